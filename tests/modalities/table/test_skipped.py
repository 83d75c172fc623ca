"""Targets that cannot be read: refused with the flag that leaves their rows out, which does."""

import numpy as np
import pyarrow as pa
import pytest

from sonde.core.errors import DataError
from sonde.modalities.table.read import Table
from sonde.modalities.table.skipped import reading
from sonde.modalities.table.target import infer_target, read_target


def table(cells: list[str]) -> Table:
    return Table(name="t.csv", columns={"y": pa.chunked_array([pa.array(cells)])}, first_row=2, delimiter=",")


NUMBERS = [f"{number / 4}" for number in range(40)]


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        (">6.5", r"1 of the cells of target 'y' are limits such as '>6\.5' and not values; empty them"),
        ("lost", r"text where numbers should be: 'lost' in column 'y'; fix the cell, or empty it to count as missing"),
    ],
)
def test_cells_that_are_no_values(cell: str, message: str):
    found = table([*NUMBERS, cell])
    read = lambda each: infer_target(each, ["y"], None)  # noqa: E731
    with pytest.raises(DataError, match=rf"^t\.csv row 42: {message}, or leave such rows out with --skip-unreadable$"):
        reading(found, read, skip=False)
    left, target, said = reading(found, read, skip=True)
    assert said == [
        f"t.csv: 1 of 41 rows are left out, since their 'y' cannot be read, such as {cell!r} (t.csv row 42)"
    ]
    values = read_target(left, target.columns, target.spec)[:, 0]
    np.testing.assert_allclose(values, [*map(float, NUMBERS), np.nan])


def test_a_class_that_training_does_not_have():
    spec = infer_target(table(["a", "b"] * 5), ["y"], None).spec
    read = lambda each: read_target(each, ["y"], spec)  # noqa: E731
    with pytest.raises(
        DataError,
        match=r"'c', a class that training rows do not have; they have a, b; correct or empty the cell, or leave such",
    ):
        reading(table(["a", "c", "b"]), read, skip=False)
    _, codes, said = reading(table(["a", "c", "b"]), read, skip=True)
    assert codes.tolist() == [0, -1, 1]
    assert len(said) == 1


@pytest.mark.parametrize("names", [["250 ml", "500 ml"], ["0", "1", "2", "3+"], ["<=50K", ">50K"]])
def test_few_names_with_numbers_are_classes(names: list[str]):
    target = infer_target(table(names * 10), ["y"], None)
    assert target.spec.kind == "class"
    assert set(target.spec.names) == set(names)


def test_a_dash_among_numbers_is_no_class():
    cells = ["0", "1", "-"] * 10
    target = infer_target(table(cells), ["y"], None)
    assert target.spec.names == ("0", "1")
    assert read_target(table(cells), ["y"], target.spec)[:3].tolist() == [0, 1, -1]


def test_several_units_are_no_target():
    cells = [f"{number} {'kg' if number % 3 else 'lb'}" for number in range(60)]
    with pytest.raises(
        DataError, match=r"target column 'y': holds numbers in several units, .* write all in one unit$"
    ):
        infer_target(table(cells), ["y"], None)
