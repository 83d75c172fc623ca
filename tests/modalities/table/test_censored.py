from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from sonde.core.errors import DataError
from sonde.modalities.table.censored import is_censored
from sonde.modalities.table.read import frame_table
from sonde.modalities.table.target import infer_target


@pytest.mark.parametrize(
    ("cells", "censored"),
    [
        (["0.5", "1.5", "2.5", ">3"], True),
        (["0.5", "1.5", "≤ 2", "~3.25"], False),  # as many bounds as values
        (["0.5", "1.5", "2.5", "<=.1", "=<1e-3"], True),
        (["0", "1", "2", ">2"], False),  # how many children, of which the last is a class
        ([*"0123456", ">7"], True),
        (["<30", "30-50", ">50"], False),
        (["0.5", "1.5", "2.5", "high"], False),
        (["0.5", "1.5"], False),
    ],
)
def test_bounds_among_measured_values(cells: Sequence[str], censored: bool) -> None:
    counts = Counter(cells)
    number = np.array([name.replace(".", "").isdecimal() for name in counts])
    assert is_censored(list(counts), np.array(list(counts.values())), number) is censored


def test_few_distinct_values_with_bounds_are_refused_unless_classes_are_asked_for() -> None:
    cells = [f"{'>' * (n % 5 == 0)}{n % 6}.5" for n in range(60)]
    table = frame_table({"y": cells}, "t.csv")
    with pytest.raises(
        DataError, match=r"text where numbers should be: '>0.5' in column 'y' \(and 11 more\); .* empty it"
    ):
        infer_target(table, ["y"], None)
    assert infer_target(table, ["y"], "classification").spec.kind == "class"
    emptied = frame_table({"y": [None if ">" in cell else float(cell) for cell in cells]}, "t.csv")
    assert infer_target(emptied, ["y"], None).spec.kind == "value"


def test_a_column_of_relations_is_said() -> None:
    columns = {"relation": ["'='", "'>'", None] * 20, "x": list(range(60)), "y": [n + 0.5 for n in range(60)]}
    found = infer_target(frame_table(columns, "t.csv"), ["y"], None)
    assert found.warnings == (
        "t.csv: 'relation' holds '>' in 20 rows, whose 'y' is a bound and is learned as the value itself: remove those rows if "
        "that is not intended",
    )
    columns["relation"] = ["=", "=", "="] * 20
    assert infer_target(frame_table(columns, "t.csv"), ["y"], None).warnings == ()
    columns["relation"] = [">", "a", "="] * 20
    assert infer_target(frame_table(columns, "t.csv"), ["y"], None).warnings == ()
