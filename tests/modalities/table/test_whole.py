"""Tables for tasks that learn whole rows: no target, a class as condition, a number among the columns."""

import pytest

from sonde.core.errors import DataError
from sonde.modalities.table.read import frame_table
from sonde.modalities.table.whole import condition_column, learns_whole_rows, table_target

ROWS = {"x": [float(n) for n in range(40)], "kind": ["a", "b"] * 20, "price": [n * 1.5 for n in range(40)]}


def test_only_tasks_without_labels_learn_whole_rows() -> None:
    assert learns_whole_rows("diffusion")
    assert not learns_whole_rows("regression")
    assert not learns_whole_rows(None)


@pytest.mark.parametrize(
    ("requested", "kind", "columns", "condition"),
    [((), "none", (), ""), (("kind",), "class", ("kind",), "kind"), (("price",), "none", (), "")],
)
def test_classes_are_a_condition_and_other_targets_are_columns(requested, kind, columns, condition) -> None:
    found = table_target(frame_table(ROWS, "table"), requested, "flow-matching")
    assert (found.spec.kind, found.columns) == (kind, columns)
    assert condition_column(found, "flow-matching") == condition
    if requested == ("price",):
        assert "'price' is learned like the other columns" in found.fact.why


def test_a_supervised_task_still_asks_for_its_target() -> None:
    with pytest.raises(DataError, match="which column is the target"):
        table_target(frame_table(ROWS, "table"), (), "classification")
