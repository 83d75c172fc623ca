"""Tables for tasks that learn whole rows: no target, a class as condition, a number among the columns."""

import pytest

from sonde.core.errors import DataError
from sonde.modalities.table.read import frame_table
from sonde.modalities.table.whole import condition_column, learns_whole_rows, table_target
from sonde.tasks.table import specs

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


WHOLE = [each.name for each in specs() if not each.labels and "table" in each.inputs]
CONDITIONS = ["diffusion", "flow-matching", "gan", "normalizing-flow"]


def test_a_condition_is_advised_where_the_task_has_one() -> None:
    told = {task: table_target(frame_table(ROWS, "table"), (), task).fact.why for task in WHOLE}
    assert sorted(task for task, why in told.items() if "its condition" in why) == CONDITIONS
    assert [task for task, why in told.items() if "--normal CLASS" in why] == ["anomaly"]
    assert told["vae"] == "task vae learns whole rows"


@pytest.mark.parametrize("task", sorted({*WHOLE} - {*CONDITIONS, "anomaly"}))
@pytest.mark.parametrize("column", ["kind", "price"])
def test_a_target_of_which_a_task_makes_nothing_is_refused(task: str, column: str) -> None:
    with pytest.raises(DataError, match=r"has no use for --target; leave it out: that column is learned like") as told:
        table_target(frame_table(ROWS, "table"), (column,), task)
    assert ("--task flow-matching" in str(told.value)) == (task == "vae")


def test_classes_say_which_rows_are_normal() -> None:
    assert table_target(frame_table(ROWS, "table"), ("kind",), "anomaly").columns == ("kind",)
    found = table_target(frame_table(ROWS, "table"), ("price",), "anomaly")
    assert "only classes can say which rows are normal" in found.fact.why
