"""Numbers with a unit, a limit or a mark beside them: what a careful person would read."""

import numpy as np
import pyarrow as pa
import pytest

from sonde.core.errors import DataError
from sonde.modalities.table.kinds import Categories, infer_kind, parse
from sonde.modalities.table.read import Table


def table(cells: list[str], delimiter: str = ",") -> Table:
    return Table(name="t.csv", columns={"w": pa.chunked_array([pa.array(cells)])}, first_row=2, delimiter=delimiter)


def values(cells: list[str], delimiter: str = ",") -> np.ndarray:
    found = table(cells, delimiter)
    kind = infer_kind(found, "w")
    assert kind.kind == "number", kind
    numbers = parse(found, "w", kind)
    assert isinstance(numbers, np.ndarray)
    return numbers


@pytest.mark.parametrize(
    ("cells", "wanted", "said"),
    [
        (["12 kg", "7.5 kg", "80 KG"], [12, 7.5, 80], "numbers in 'kg'"),
        (["3.5cm", "10cm", ""], [3.5, 10, np.nan], "numbers in 'cm'"),
        (["1.2e3 m/s", "5e-1 m/s"], [1200, 0.5], "numbers in 'm/s'"),
        (["1.385,5 km", "2,25 km"], [1385.5, 2.25], "numbers in 'km'"),
        (["12 kg", "11 kg", "10"], [12, 11, 10], "numbers in 'kg'; 1 of its cells have none and are read as kg too"),
        (["19M", "900k", "2.5M"], [19e6, 9e5, 2.5e6], ""),
        (["2M", "3M"], [2e6, 3e6], "M after numbers are read as thousands, millions and so on"),
        (["1st", "2nd", "23rd"], [1, 2, 23], ""),
        (["01:23:45", "00:00:10"], [5025, 10], "'01:23:45' is read as a duration: 5,025 seconds"),
        (["30:15", "2:05"], [1815, 125], "'30:15' is read as minutes and seconds: 1,815 seconds"),
        (["8:30", "17:05"], [30600, 61500], "'17:05' is read as hours and minutes: 61,500 seconds"),
        (["3:05 PM", "12:00 AM"], [54300, 0], "'3:05 PM' is read as hours and minutes: 54,300 seconds"),
        (["1 days 02:00:00.5", "-0:00:01"], [93600.5, -1], "'1 days 02:00:00.5' is read as a duration: 93,600.5 seconds"),
        (["7.5N", "3.25S"], [7.5, -3.25], "read as degrees, north and east above zero"),
        (["7° 30' W", "0° 15' 36\" E"], [-7.5, 0.26], "read as degrees, north and east above zero"),
        (["'1.5", '"2"', '="3"'], [1.5, 2, 3], ""),
        (["1.5 x 10^3", "2×10^-1"], [1500, 0.2], ""),
        (["1,5E-3", "2,25E+2"], [0.0015, 225], ""),
        (["10,000+", "5+", "1,000+"], [10000, 5, 1000], ""),
        ([">6.5", "1", "<= 0.1", "2"], [6.5, 1, 0.1, 2], "2 of its cells are limits such as '>6.5', read as the limit itself"),
        (["1", "-", "2.5", "n.a.", "#DIV/0!"], [1, np.nan, 2.5, np.nan, np.nan],
         "3 of its cells hold '-', 'n.a.', '#DIV/0!', which counts as missing among numbers"),
    ],
)  # fmt: skip
def test_numbers_with_something_beside_them(cells: list[str], wanted: list[float], said: str):
    np.testing.assert_allclose(values(cells), wanted)
    guess = infer_kind(table(cells), "w").guess
    assert guess == said or not said


def test_decimal_commas_with_exponents_between_semicolons():
    np.testing.assert_allclose(values(["1,10E-05", "2,5e+3", "0,5"], ";"), [1.1e-5, 2500, 0.5])


@pytest.mark.parametrize(
    "cells",
    [
        ["<=50K", ">50K", "<=50K"],
        ["<50", "50-60", ">60"],
        ["red", "-", "blue"],
        ["12A", "12B", "7C", "1D"],
        ["5.0.1", "4.2.11"],
        ["120/80", "135/90"],
        ["00123", "04711"],
        ["10.0.0.1", "10.0.0.2"],
        ["2 BHK", "4 Bedroom"],
        ["3d5f", "1e4g", "99aa"],
    ],
)
def test_names_with_digits_stay_names(cells: list[str]):
    found = table(cells)
    kind = infer_kind(found, "w")
    assert (kind.kind, kind.guess) == ("category", "")
    names = parse(found, "w", kind)
    assert isinstance(names, Categories)
    assert set(names.names) == set(cells)


def test_several_units_are_text_and_said():
    cells = [f"{number} {'kg' if number % 3 else 'lb'}" for number in range(60)]
    kind = infer_kind(table(cells), "w")
    assert kind.kind == "category"
    assert kind.guess == (
        "holds numbers in several units, 'kg' (40 cells) and 'lb' (20 cells), and is read as text: write all in one unit"
    )


def test_numbers_among_many_words_are_text_and_said():
    cells = [f"{number}.5" for number in range(45)] + ["Varies with device"] * 15
    kind = infer_kind(table(cells), "w")
    assert kind.kind == "category"
    assert kind.guess == (
        "45 of its cells are numbers and 15 are not, such as 'Varies with device', so that all are read as text: empty those to "
        "read numbers"
    )


def test_another_unit_than_in_training_is_refused():
    kind = infer_kind(table(["12 kg", "13 kg"]), "w")
    with pytest.raises(
        DataError, match=r"^t\.csv row 3: text where numbers in kg should be: '9 lb' in column 'w'; fix the"
    ):
        parse(table(["12 kg", "9 lb"]), "w", kind)
    np.testing.assert_allclose(parse(table(["14", "15.5 KG"]), "w", kind), [14, 15.5])  # type: ignore[arg-type]
