"""What separates decimals: shown by the cells, by other columns of a table, or by the table that was trained on."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from sonde.core.data_warning import DataWarning
from sonde.modalities.table.encode import encode, fit_columns
from sonde.modalities.table.kinds import infer_kind, parse
from sonde.modalities.table.read import Table


def table(delimiter: str, **columns: list[str]) -> Table:
    held = {name: pa.chunked_array([cells]) for name, cells in columns.items()}
    return Table(name="t.csv", columns=held, first_row=2, delimiter=delimiter)


def numbers(source: Table, column: str = "x") -> list[float]:
    return np.asarray(parse(source, column, infer_kind(source, column))).tolist()


@pytest.mark.parametrize("delimiter", ["\t", ";", ",", "|", ""])
@pytest.mark.parametrize("beside", [["7.141,50", "12,30"], ["7.141,50 €", "9.597,50 €"], ["1.234.567", "0,5"]])
def test_other_columns_prove_the_convention_whatever_the_delimiter(delimiter: str, beside: list[str]):
    source = table(delimiter, x=["6.313", "750"], y=beside)
    assert numbers(source) == [6313, 750]
    assert infer_kind(source, "x").guess == "'6.313' is read as 6313; write 6,313 if that is meant"


def test_points_beside_prove_points():
    source = table(";", x=["6.313", "1.750"], y=["0.5", "12.25"])
    assert numbers(source) == [6.313, 1.75]
    assert infer_kind(source, "x").guess == ""


@pytest.mark.parametrize("delimiter", ["\t", ";", ","])
def test_what_nothing_proves_is_said(delimiter: str):
    source = table(delimiter, x=["6.313", "750"], y=["a", "b"])
    assert numbers(source) == [6.313, 750]
    assert infer_kind(source, "x").guess == "'6.313' is read as 6.313; write 6313 if that is meant"


def test_three_decimals_between_commas_are_ordinary():
    assert infer_kind(table(",", x=["6.313", "1.750"], y=["a", "b"]), "x").guess == ""


def test_columns_that_differ_prove_nothing():
    source = table("\t", x=["6.313", "750"], y=["7.141,50", "1,5"], z=["0.5", "2.25"])
    assert numbers(source) == [6.313, 750]
    assert infer_kind(source, "x").guess


@pytest.mark.parametrize(
    ("trained", "given", "delimiter", "expected"),
    [
        ({"x": ["6.313", "750"], "y": ["7.141,50", "2,5"]}, {"x": ["4.500"], "y": ["0.5"]}, ",", 4500),
        ({"x": ["6313", "750"], "y": ["7.141,50", "2,5"]}, {"x": ["4.500"], "y": ["3"]}, "\t", 4500),
        ({"x": ["6.313", "0.5"], "y": ["1", "2"]}, {"x": ["4.500"], "y": ["7.141,50"]}, ";", 4.5),
        ({"x": ["6.313", "0.5"], "y": ["1", "2"]}, {"x": ["4,500"], "y": ["3"]}, ";", 4500),
    ],
)
def test_later_tables_are_read_as_the_one_trained_on(trained: dict, given: dict, delimiter: str, expected: float):
    source = table("\t", **trained)
    kind = infer_kind(source, "x")
    columns = fit_columns({"x": parse(source, "x", kind)}, {"x": kind}, np.arange(2)).columns
    plain = [replace(column, mean=0.0, std=1.0) for column in columns]
    assert encode(table(delimiter, **given), plain)[0, 0] == pytest.approx(expected)


def test_a_guess_about_a_later_table_is_said():
    source = table(",", x=["6313", "75"])
    kind = infer_kind(source, "x")
    columns = fit_columns({"x": parse(source, "x", kind)}, {"x": kind}, np.arange(2)).columns
    with pytest.warns(DataWarning, match="'4.500' is read as 4500; write 4,500 if that is meant"):
        encode(table(";", x=["4.500"], y=["7.141,50"]), columns)
