"""What instruments and surveys write around a table is passed over and said."""

from pathlib import Path

import numpy as np
import pytest

from sonde.modalities.table.around import about_the_columns, about_the_table
from sonde.modalities.table.kinds import infer_kind, parse
from sonde.modalities.table.read import Table, head_of, read_table

ABOVE = ["Instrument:;Spectra", "Operator:;M. Smith", "Serial;SN-88", ""]
HEADER = ["Sample;Abs;Conc"]
UNITS = [";AU;mg/L"]
ROWS = [f"S{n:03d};0,{n + 1:03d};{n},5" for n in range(12)]


def read(folder: Path, *parts: list[str]) -> Table:
    path = folder / "lab.csv"
    path.write_text("\n".join(line for part in parts for line in part) + "\n", encoding="utf-8")
    return read_table(path)


def numbers(table: Table, column: str) -> list[float]:
    return np.asarray(parse(table, column, infer_kind(table, column))).tolist()


@pytest.mark.parametrize("padded", [False, True])
def test_lines_of_an_instrument_and_units_are_passed_over(tmp_path: Path, padded: bool) -> None:
    above = [line + ";" if padded and line else line for line in ABOVE]
    table = read(tmp_path, above, HEADER, UNITS, ROWS)
    assert list(table.columns) == ["Sample", "Abs", "Conc"]
    assert numbers(table, "Conc") == [n + 0.5 for n in range(12)]
    assert table.place(0) == "lab.csv row 7"
    assert table.notes == (
        f"lab.csv: 3 lines before the header are skipped: {above[0]!r}",
        "lab.csv: a row of units is skipped below the header: ';AU;mg/L'",
    )
    head = head_of(tmp_path / "lab.csv")
    assert head is not None
    assert head.place(0) == "lab.csv row 7"


def test_the_questions_of_a_survey_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "survey.csv"
    above = 'StartDate,Q1,Q2\nStart Date,"How old\nare you?",How likely?\n'
    identifiers = '"{""ImportId"":""startDate""}","{""ImportId"":""QID1""}","{""ImportId"":""QID2""}"\n'
    path.write_text(above + identifiers + "".join(f"2024-03-0{n} 10:00:00,{20 + n},{n}\n" for n in range(1, 10)))
    table = read_table(path)
    assert numbers(table, "Q1") == [20.0 + n for n in range(1, 10)]
    assert infer_kind(table, "StartDate").kind == "date"
    assert "2 rows that explain the columns are skipped" in table.notes[0]


def test_ordinary_rows_are_kept(tmp_path: Path) -> None:
    assert about_the_table([["a", "b"], *[["1", "2"]] * 9]) == 0
    assert about_the_table([["a", "b", "c"], *[["1", "2", "3"]] * 9]) == 0
    assert about_the_columns([["name", "x", "y"], ["", "NA", "n.d."], *[["a", "1", "2"]] * 9]) == 0
    assert about_the_columns([["name", "kind", "y"], ["a", "kg", "m"], *[["a", "kg", "m"]] * 9]) == 0
    assert read(tmp_path, HEADER, ROWS).notes == ()
