"""Workbooks, read as a person reads them."""

import sys
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from sample_settings import data_config
from workbook import write_workbook

from sonde.core.errors import DataError, MissingDependency
from sonde.modalities.open import open_data
from sonde.modalities.packed import opened
from sonde.modalities.table.read import read_table
from sonde.modalities.table.sheets import laid_out

NAMES = ["code", "when", "price", "label"]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONDE_CACHE", str(tmp_path / "cache"))


def _row(number: int) -> list[Any]:
    price = number * 1.5
    return [f"{number:03d}", date(2021, 1, 1 + number), str(price) if number % 2 else price, "ab"[number % 3 == 0]]


def _columns(path: Path | str) -> dict[str, list[str]]:
    found = opened(path)
    assert found is not None
    return {name: column.to_pylist() for name, column in read_table(found.path).columns.items()}


def test_titles_totals_and_remarks_are_no_rows_and_values_are_those_that_a_person_sees(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    body = [_row(number) for number in range(24)]
    rows = [["Sales of 2021"], [], NAMES, *body, [], ["Total", None, 414.0], [], ["Source: the shop"]]
    write_workbook(tmp_path / "sales.xlsx", {"Data": rows, "Empty": []})
    columns = _columns(tmp_path / "sales.xlsx")
    assert list(columns) == NAMES
    assert columns["code"][:2] == ["000", "001"]
    assert columns["when"][:2] == ["2021-01-01", "2021-01-02"]
    assert columns["price"] == [str(n * 1.5) if n % 2 else f"{n * 1.5:g}" for n in range(24)]
    dataset = open_data(tmp_path / "sales.xlsx", data_config(target=("label",)))
    assert [column.kind for column in dataset.schema.input.columns if column.name == "price"] == ["number"]
    assert (dataset.name, dataset.source) == ("sales", str(tmp_path / "sales.xlsx"))
    said = "\n".join(dataset.warnings)
    assert "sheet 'Data': text above the header is skipped: 'Sales of 2021'" in said
    assert "the last row is a total, and is left out: 'Total'" in said
    assert "text below the table is skipped: 'Source: the shop'" in said
    rows_of_train = dataset.splits["train"]
    numbers = {int(rows_of_train.describe(index).split()[-1]) for index in range(len(rows_of_train))}
    assert numbers <= set(range(4, 28))  # as Excel counts them


def test_a_time_of_day_in_a_column_stays_and_whole_numbers_have_no_point(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    rows = [
        ["t", "n", "yes"],
        [date(2021, 1, 5), 3, True],
        [datetime(2021, 1, 6, 3, 30), 4.25, False],
        [None, 1e300, None],
        [None, 5, True],
    ]
    columns = _columns(write_workbook(tmp_path / "a.xlsx", {"A": rows}))
    assert columns["t"] == ["2021-01-05 00:00:00", "2021-01-06 03:30:00", "", ""]
    assert columns["n"] == ["3", "4.25", "1e+300", "5"]
    assert columns["yes"] == ["True", "False", "", "True"]


def test_merged_cells_hold_in_each_row_and_names_in_two_rows_are_joined(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    rows = [
        ["id", "Size", None, "label"],
        [None, "height", "width", None],
        ["a", 1, 2, "x"],
        [None, 3, 4, "y"],
        ["b", 5, 6, "x"],
    ]
    path = write_workbook(tmp_path / "m.xlsx", {"A": rows}, merged=("B1:C1", "A1:A2", "D1:D2", "A3:A4"))
    assert _columns(path) == {
        "id": ["a", "a", "b"], "Size height": ["1", "3", "5"], "Size width": ["2", "4", "6"], "label": ["x", "y", "x"],
    }  # fmt: skip
    found = opened(path)
    assert found is not None
    assert "cells merged over rows, such as rows 3 to 4, hold their value in each" in "\n".join(found.warnings)
    assert "column names are in two rows and are joined, such as 'Size height'" in "\n".join(found.warnings)


def test_several_sheets_are_refused_and_the_named_one_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("python_calamine")
    first = [["x", "y"], *[[n / 7, n % 2] for n in range(30)]]
    second = [["title"], ["u", "v"], *[[n / 7, n % 3] for n in range(30)]]
    write_workbook(tmp_path / "b.xlsx", {"One": first, "Two more": second, "Notes": [["see the manual"], ["p. 4"]]})
    with pytest.raises(
        DataError, match=r"b\.xlsx has rows in 2 sheets \(One, Two more\); name one, such as 'b\.xlsx#One'$"
    ):
        open_data(tmp_path / "b.xlsx", data_config())
    assert list(_columns(f"{tmp_path}/b.xlsx#One")) == ["x", "y"]
    dataset = open_data(f"{tmp_path}/b.xlsx#Two more", data_config(target=("v",)))
    assert dataset.source == f"{tmp_path}/b.xlsx#Two more"
    assert "'Two more': text above the header is skipped: 'title'" in "\n".join(dataset.warnings)
    assert "sheets with a single column are not read: 'Notes'" in "\n".join(dataset.warnings)
    monkeypatch.chdir(tmp_path)
    assert open_data("b.xlsx#One", data_config(target=("y",))).schema.target.names == ("0", "1")
    with pytest.raises(DataError, match=r"b\.xlsx has no 'Three'; it has One, Two more$"):
        open_data("b.xlsx#Three", data_config())


def test_hidden_sheets_are_left_out_and_sheets_named_for_splits_are_these(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    rows = [["x", "y"], *[[n / 7, "ab"[n % 2]] for n in range(30)]]
    path = write_workbook(tmp_path / "h.xlsx", {"A": rows, "lists": [["p", "q"], [1, 2]]}, hidden=["lists"])
    assert open_data(path, data_config(target=("y",))).warnings == ["h.xlsx: hidden sheets are not read: 'lists'"]
    path = write_workbook(tmp_path / "s.xlsx", {"Train": rows, "Test": rows[:11]})
    dataset = open_data(path, data_config(target=("y",)))
    assert {split: len(found) for split, found in dataset.splits.items()} == {"train": 27, "validation": 3, "test": 10}


def test_what_is_no_workbook_or_hostile_is_refused_in_a_line(tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    (tmp_path / "a.xls").write_text("<html><table><tr><td>1</td></tr></table></html>")
    with pytest.raises(
        DataError, match=r"a\.xls is not a workbook \(it begins with b'<html><t'\); save it again in Excel"
    ):
        open_data(tmp_path / "a.xls", data_config())
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as file:
        file.writestr("a.txt", "no workbook")
    with pytest.raises(DataError, match=r"b\.xlsx cannot be read as a workbook \(.+\); save it again in Excel"):
        open_data(tmp_path / "b.xlsx", data_config())
    far = write_workbook(tmp_path / "c.xlsx", {"A": [["x", "y"], [1, 2]]})
    with zipfile.ZipFile(far) as file:
        content = {name: file.read(name) for name in file.namelist()}
    content["xl/worksheets/sheet1.xml"] = content["xl/worksheets/sheet1.xml"].replace(b'r="B2"', b'r="XFD1048576"')
    with zipfile.ZipFile(far, "w") as file:
        for name, held in content.items():
            file.writestr(name, held)
    with pytest.raises(
        DataError, match=r"cells as far away as row 1,048,576 of 16,384 columns; delete those far from the table"
    ):
        open_data(far, data_config())
    merged = ["A2:B1048576", "B2:C1048576"] * 3
    over = write_workbook(tmp_path / "e.xlsx", {"A": [["x", "y", "z"], *[[1, 2, 3]] * 8]}, merged=merged)
    with pytest.raises(DataError, match=r"sheet 'A' has merged cells that overlap; save it as CSV"):
        open_data(over, data_config())
    with pytest.raises(DataError, match=r"d\.xlsx has no sheet with rows"):
        open_data(write_workbook(tmp_path / "d.xlsx", {"A": [], "B": [["alone"]]}), data_config())


def test_without_the_package_its_install_line_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    path = write_workbook(tmp_path / "a.xlsx", {"A": [["x", "y"], [1, 2]]})
    with pytest.raises(
        MissingDependency, match=r"^a\.xlsx needs python-calamine; install it with: pip install python-calamine \(or "
    ):
        open_data(path, data_config())


def test_a_sheet_without_a_title_stays_as_it_is() -> None:
    grid = [["x", "y", "z"], [1.0, "", ""], [2.0, 3.0, 4.0], [5.0, 6.0, 7.0]]
    sheet = laid_out("A", grid)
    assert (sheet.rows, sheet.notes, sheet.header) == (grid, [], 0)
