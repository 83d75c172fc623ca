"""Targets: what they are taken for, and one line for each that cannot be learned."""

import numpy as np
import pytest

from sonde.core.errors import DataError
from sonde.modalities.table.read import Table, frame_table
from sonde.modalities.table.target import Target, infer_target, read_target, target_columns


def target(values: dict, task: str | None = None) -> tuple[Target, Table]:
    table = frame_table(values, "t.csv")
    return infer_target(table, list(values), task), table


def test_text_is_classes_in_natural_order():
    found, table = target({"y": ["b", "a10", "a9", "b", "a9", None]})
    assert (found.spec.kind, found.spec.names) == ("class", ("a9", "a10", "b"))
    assert read_target(table, found.columns, found.spec).tolist() == [2, 1, 0, 2, 0, -1]
    assert found.fact.what == "3 classes: a9, a10, b"


def test_few_integers_are_classes_and_say_how_to_get_values():
    found, table = target({"y": [0, 1, 2, 1, 0, 2, 10, 10]})
    assert found.spec.names == ("0", "1", "2", "10")
    assert read_target(table, found.columns, found.spec).tolist() == [0, 1, 2, 1, 0, 2, 3, 3]
    assert "--task regression treats them as values" in found.fact.why


def test_one_class_whatever_way_its_number_is_written():
    found, _ = target({"y": ["1", "0", "1", "0"]})
    later = frame_table({"y": ["1.0", " 0", "01"]}, "later.csv")
    assert read_target(later, found.columns, found.spec).tolist() == [1, 0, 1]


def test_booleans_are_two_classes():
    found, table = target({"y": [True, False, True, True]})
    assert (found.spec.names, found.spec.out_dim) == (("false", "true"), 1)
    assert read_target(table, found.columns, found.spec).tolist() == [1, 0, 1, 1]


@pytest.mark.parametrize("values", [np.linspace(0, 1, 10), np.arange(100), np.arange(100) * 100.0])
def test_quantities_are_values(values: np.ndarray):
    found, table = target({"y": values})
    assert (found.spec.kind, found.spec.names, found.spec.masked) == ("value", ("y",), False)
    np.testing.assert_array_equal(read_target(table, found.columns, found.spec), values[:, None])


def test_the_task_wins():
    assert target({"y": [0, 1, 0, 1]}, "regression")[0].spec.kind == "value"
    assert target({"y": [0.5, 1.5, 0.5, 1.5]}, "classification")[0].spec.names == ("0.5", "1.5")
    with pytest.raises(DataError, match=r"^t\.csv row 0: text where numbers should be: 'a' in column 'y'"):
        target({"y": ["a", "b", "a"]}, "regression")


def test_several_targets_with_gaps():
    found, table = target({"a": [0, 1, 1], "b": [1.0, np.nan, 0.0]})
    assert (found.spec.kind, found.spec.names, found.spec.masked) == ("labels", ("a", "b"), True)
    assert found.fact.why == "the target columns hold 0 and 1; 1 of 6 are missing and masked"
    np.testing.assert_array_equal(read_target(table, found.columns, found.spec), [[0, 1], [1, np.nan], [1, 0]])
    assert target({"a": [0.5, 1.0, 2.0], "b": [1, 0, 1]})[0].spec.kind == "value"
    assert target({"a": [True, False], "b": [0, 1]})[0].spec.kind == "labels"


BAD = {
    "constant class": ({"y": ["a", "a"]}, None, r"target column 'y' is 'a' in every row; there is nothing to learn"),
    "constant value": ({"y": [2.5, 2.5]}, None, r"target column 'y' is 2.5 in every row; there is nothing to learn"),
    "one of several constant": ({"a": [0, 1], "b": [1, 1]}, None, r"target column 'b' is 1 in every row"),
    "all missing": ({"y": [None, None]}, None, r"target column 'y' is missing in every row"),
    "as many classes as rows": ({"y": ["a", "b", "c"]}, None, r"target column 'y' has as many classes as rows \(3\)"),
    "dates": ({"y": ["2020-01-01", "2020-01-02"]}, None, r"target column 'y' holds dates, which cannot be predicted"),
    "several, not binary": (
        {"a": [0, 2], "b": [1, 0]},
        "classification",
        r"several targets can only be classified when",
    ),
}


@pytest.mark.parametrize(("values", "task", "message"), BAD.values(), ids=BAD)
def test_targets_that_cannot_be_learned(values: dict, task: str | None, message: str):
    with pytest.raises(DataError, match=r"^t\.csv: " + message):
        target(values, task)


def test_unknown_class_in_a_later_table_is_named():
    found, _ = target({"y": ["a", "b", "a"]})
    later = frame_table({"y": ["a", "c"]}, "test.csv")
    message = r"^test\.csv row 1: 'y' is 'c', a class that training rows do not have; they have a, b$"
    with pytest.raises(DataError, match=message):
        read_target(later, found.columns, found.spec)


def test_missing_column_suggests_near_ones():
    table = frame_table({"median_house_value": [1], "rooms": [2]}, "t.csv")
    with pytest.raises(
        DataError, match=r"^t\.csv has no column 'house_value' to predict; did you mean 'median_house_value'\?$"
    ):
        target_columns(table, ["house_value"])
    with pytest.raises(DataError, match=r"^t\.csv has no column 'zzz' to predict; it has median_house_value, rooms$"):
        target_columns(table, ["zzz"])


def test_no_column_named_suggests_likely_ones():
    with pytest.raises(DataError, match=r"^t\.csv: which column is the target\? Use --target 'label', or another of"):
        target_columns(frame_table({"label": [1], "x": [2]}, "t.csv"), [])
    with pytest.raises(DataError, match=r"Use --target 'z', or another of 'x', 'z'$"):
        target_columns(frame_table({"x": [1], "z": [2]}, "t.csv"), [])
