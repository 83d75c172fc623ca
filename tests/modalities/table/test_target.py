"""Targets: what they are taken for, and one line for each that cannot be learned."""

from pathlib import Path

import numpy as np
import pytest

from sonde.core.errors import DataError
from sonde.modalities.table.read import Table, frame_table, read_table
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
    with pytest.raises(DataError, match=r"^t\.csv: target column 'y' holds names and no numbers.*leave --task out$"):
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
    message = r"^test\.csv row 1: 'y' is 'c', a class that training rows do not have; they have a, b; correct or empty the cell$"
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
        target_columns(frame_table({"label": [1, 2], "x": [2, 3]}, "t.csv"), [])
    with pytest.raises(DataError, match=r"Use --target 'z', or another of 'x', 'z'$"):
        target_columns(frame_table({"x": [1, 2], "z": [2, 3]}, "t.csv"), [])


def test_codes_with_zeros_in_front_are_their_own_classes():
    found, table = target({"code": ["00", "0", "01", "12"] * 5})
    assert found.spec.names == ("00", "0", "01", "12")
    assert read_target(table, found.columns, found.spec)[:4].tolist() == [0, 1, 2, 3]
    with pytest.raises(DataError, match="'code' is '1', a class that training rows do not have"):
        read_target(frame_table({"code": ["1"]}, "t.csv"), found.columns, found.spec)


def test_none_is_a_class_where_most_cells_hold_it():
    found, table = target({"y": ["None"] * 6 + ["Apnea", "Insomnia"] * 2 + [""]})
    assert found.spec.names == ("Apnea", "Insomnia", "None")
    assert read_target(table, found.columns, found.spec).tolist() == [2] * 6 + [0, 1, 0, 1, -1]
    assert found.warnings == (
        "t.csv: 6 of 11 cells of 'y' hold 'None', which is read as a class; empty the cells if they have no target",
    )
    few, _ = target({"y": ["None"] * 2 + ["Apnea", "Insomnia"] * 4})
    assert few.spec.names == ("Apnea", "Insomnia")
    assert few.warnings[0].startswith("t.csv: 2 cells of 'y' hold 'None', which counts as missing; write another word")
    assert target({"y": ["None"] * 2 + ["Yes"] * 6})[0].spec.names == ("None", "Yes")


def test_one_class_in_several_capitals():
    found, table = target({"y": ["yes", "Yes", "yes", "YES", "no", "No", "no"]})
    assert found.spec.names == ("no", "yes")
    assert read_target(table, found.columns, found.spec).tolist() == [1, 1, 1, 1, 0, 0, 0]
    assert "'yes', 'Yes', 'YES' are read as one class" in found.warnings[0]
    letters, _ = target({"y": ["a", "A", "b"] * 3})
    assert letters.spec.names == ("A", "a", "b")
    assert letters.warnings == ("t.csv: column 'y': 'a' and 'A' are different names; write them alike if they are one",)


def test_labels_joined_in_one_cell():
    found, table = target({"y": ["a|b", "a", "b", "b|c", "c", "No Finding", "c|a"] * 3})
    assert (found.spec.kind, found.spec.names) == ("labels", ("a", "b", "c"))
    expected = [[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 0], [1, 0, 1]]
    np.testing.assert_array_equal(read_target(table, found.columns, found.spec)[:7], expected)
    assert "join names by '|', so they are read as 3 labels" in found.warnings[0]
    later = frame_table({"y": ["c", "b|d"]}, "test.csv")
    with pytest.raises(
        DataError, match="^test.csv: 'y' holds 'd', a label that training rows do not have; they have a, b, c$"
    ):
        read_target(later, found.columns, found.spec)
    assert target({"y": ["Smith, John", "Doe, Ann"] * 4})[0].spec.names == ("Doe, Ann", "Smith, John")


@pytest.mark.parametrize(
    ("name", "values", "kind", "said"),
    [
        ("label", [*range(24)] * 20, "class", "read as classes; --task regression reads them as values"),
        ("y", [*range(24)] * 20, "value", "read as values; --task classification reads them as classes"),
        ("quality", [*range(3, 9)] * 20, "class", "read as classes; --task regression reads them as values"),
        ("y", [0, 1] * 20, "class", ""),
        ("y", [*range(10)] * 20, "class", ""),
        ("label", [*range(100)] * 2, "value", ""),
        ("price", [*range(0, 110_000, 100)] * 6, "value", ""),  # 1,100 of them: more than any set of classes
    ],
)
def test_integers_that_may_be_either_say_so(name: str, values: list, kind: str, said: str):
    found, _ = target({name: values})
    assert found.spec.kind == kind
    assert said in " ".join(found.warnings)
    assert bool(found.warnings) == bool(said)


def test_nearly_as_many_classes_as_rows_are_refused():
    names = [f"name {i}" for i in range(40)] + ["name 1", "name 2"]
    message = r"^t\.csv: target column 'y' has 40 classes in 42 rows, nearly all different; name another --target$"
    with pytest.raises(DataError, match=message):
        target({"y": names})


@pytest.mark.parametrize("task", [None, "regression"])
def test_numbers_with_bounds_among_them_are_named(task: str | None):
    with pytest.raises(
        DataError,
        match=r"^t\.csv row 0: 5 of the cells of target 'y' are limits such as '>5\.2' and not values; empty them$",
    ):
        target({"y": [">5.2"] * 5 + [str(i / 10) for i in range(40)]}, task)


def test_the_column_that_an_error_names_can_be_predicted():
    table = frame_table({"name": [f"n{i}" for i in range(30)], "x": range(30), "y": ["same"] * 30}, "t.csv")
    with pytest.raises(DataError, match="Use --target 'x', or another of 'name', 'x', 'y'$"):
        target_columns(table, [])


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("3", r"columns are given by name: column 3 is 'y'$"),
        ("2", r"columns are given by name: column 2 is 'b', column 2 counted from 0 is 'y'$"),
        ("0", r"columns are given by name: column 0 counted from 0 is 'a'$"),
        ("-1", r"columns are given by name: the last is 'y'$"),
        ("Y", r"did you mean 'y'\?$"),
        ("9", r"it has a, b, y$"),
    ],
)
def test_a_column_by_its_place_is_named(name: str, hint: str):
    table = frame_table({"a": [1, 2], "b": [1, 2], "y": ["u", "v"]}, "t.csv")
    with pytest.raises(DataError, match=rf"^t\.csv has no column '{name}' to predict; {hint}"):
        target_columns(table, [name])


def test_a_table_without_anything_to_predict():
    table = frame_table({"a": ["same"] * 9, "b": [1] * 9}, "t.csv")
    with pytest.raises(
        DataError, match=r"^none of the columns can be predicted as it is: t\.csv: target column 'b' is '1'"
    ):
        target_columns(table, [])


def test_several_columns_of_minus_one_and_one_are_labels(tmp_path: Path) -> None:
    """-1 is no, in training and in other tables to be judged, where a column may hold no -1 at all."""
    rows = [f"{n / 7:.3f},{1 if n % 2 else -1},{1 if n % 3 else -1}" for n in range(40)]
    (tmp_path / "t.csv").write_text("\n".join(["size,round,red", *rows]) + "\n")
    table = read_table(tmp_path / "t.csv")
    target = infer_target(table, ("round", "red"), None)
    assert (target.spec.kind, target.spec.names) == ("labels", ("round", "red"))
    assert "hold -1 and 1" in target.fact.why
    assert read_target(table, ("round", "red"), target.spec)[:3].tolist() == [[0, 0], [1, 1], [0, 1]]
    assert infer_target(table, ("round", "red"), "regression").spec.kind == "value"
