"""Sheets of Excel's workbooks as CSV, as a person reads them: without titles, empty rows and totals; merged cells filled in.

A row keeps its number, unless empty rows stand among the data.
"""

import csv
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sonde.core.catalogue import require
from sonde.core.errors import DataError, MissingDependency, first_line
from sonde.core.memory import free_bytes
from sonde.core.progress import Tick
from sonde.core.units import size
from sonde.data.splits import SPLIT_NAMES
from sonde.data.unzipped import BAD_CONTENT, PIECE, SHARE

MOST_CELLS = 40_000_000  # of the rectangle that a sheet's cells span, which is held at once
MOST_BEFORE = 20  # rows before a header that may be titles
ALONE = 3  # columns from which on a cell that stands alone below the data is a remark
_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br\s*=\s*["']\s*([A-Za-z]{1,3})([0-9]{1,7})""")
_TOTAL = re.compile(r"\W*(grand )?(total|totals|sum|summe|gesamt|subtotal|somme)\b.*", re.IGNORECASE)
Grid = list[list[Any]]
Merged = Sequence[
    tuple[tuple[int, int], tuple[int, int]]
]  # ((first row, first column), (last row, last column)), from 0


@dataclass
class Sheet:
    """What a sheet holds. header: from 0, in the sheet;  notes: what was guessed"""

    name: str
    header: int = 0
    rows: Grid = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def unpack(path: Path, folder: Path, tick: Tick) -> list[tuple[str, str]]:
    """Write the sheets with rows into a folder each, named for the sheet; files train.csv, test.csv, … where they are called so.

    Answers (sheet's file or folder, what was guessed).

    Raises: MissingDependency, DataError for what is no workbook or has no rows
    """
    tick(f"reading {path.name}", 0, 0)
    book = _book(path)
    metadata = [about for about in book.sheets_metadata if str(about.typ).endswith("WorkSheet")]
    shown = [about.name for about in metadata if str(about.visible).endswith(".Visible")]
    hidden = [about.name for about in metadata if about.name not in shown]
    names = shown or hidden
    found = [sheet for name in names if (sheet := _sheet(book, name, path)).rows]
    tables = [sheet for sheet in found if len(sheet.rows[0]) > 1]
    left = [sheet.name for sheet in found if sheet not in tables] if tables else []
    found = tables or found
    if not found:
        raise DataError(f"{path} has no sheet with rows; save it again, with names of columns in the first row")
    splits = [SPLIT_NAMES.get(sheet.name.strip().lower()) for sheet in found]
    in_files = "train" in splits and None not in splits and len(set(splits)) == len(splits)
    notes: list[tuple[str, str]] = []
    for sheet, split in zip(found, splits, strict=True):
        entry = f"{split}.csv" if in_files else _file_name(sheet.name)
        target = folder / entry if in_files else folder / entry / f"{path.name.split('.')[0]}.csv"
        target.parent.mkdir(exist_ok=True)
        _write(sheet, target)
        notes += [(entry, f"{path.name} sheet {sheet.name!r}: {note}") for note in sheet.notes]
    if left:
        notes.append(("", f"{path.name}: sheets with a single column are not read: {', '.join(map(repr, left))}"))
    if shown and hidden:
        notes.append(("", f"{path.name}: hidden sheets are not read: {', '.join(map(repr, hidden))}"))
    return notes


def _file_name(sheet: str) -> str:
    """A sheet's name, as a folder may be called."""
    return re.sub(r"[\\/\0]", "_", sheet).strip(". ")[:100] or "sheet"


def _book(path: Path) -> Any:
    """The workbook. Raises: MissingDependency, DataError"""
    try:
        calamine = require("python_calamine", extra="excel", purpose=path.name)
    except MissingDependency:
        raise MissingDependency(
            f"{path.name} needs python-calamine; install it with: pip install python-calamine (or save the sheet as CSV)"
        ) from None
    with path.open("rb") as file:
        head = file.read(8)
    if not head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise DataError(
            f"{path} is not a workbook (it begins with {head[:8]!r}); save it again in Excel, as .xlsx or CSV"
        )
    if head.startswith(b"PK"):
        _check(path)
    try:
        return calamine.CalamineWorkbook.from_path(str(path))
    except Exception as error:  # of several kinds, none of which is documented
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> DataError:
    return DataError(
        f"{path} cannot be read as a workbook ({first_line(error)}); save it again in Excel, as .xlsx or CSV"
    )


def _check(path: Path) -> None:
    """Raises: DataError for a workbook that unpacks to more than memory holds, or whose cells lie too far apart"""
    most = int(free_bytes() * SHARE)
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(member.file_size for member in archive.infolist()) > most:
                raise DataError(
                    f"{path} unpacks to more than memory has room for ({size(most)}); save the sheet as CSV"
                )
            for member in archive.infolist():
                with archive.open(member) as file:
                    rows = columns = 0
                    before = b""
                    while piece := file.read(PIECE):
                        for letters, row in _CELL.findall(before + piece):
                            rows, columns = max(rows, int(row)), max(columns, _column(letters.upper()))
                        before = piece[-200:]
                if rows * columns > MOST_CELLS:
                    raise DataError(
                        f"{path} has cells as far away as row {rows:,} of {columns:,} columns; delete those far from the table, "
                        "or save it as CSV"
                    )
    except BAD_CONTENT as error:
        raise _unreadable(path, error) from None


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _sheet(book: Any, name: str, path: Path) -> Sheet:
    try:
        content = book.get_sheet_by_name(name)
        grid: Grid = content.to_python(skip_empty_area=False)
        merged: Merged = content.merged_cell_ranges or ()
    except Exception as error:
        raise _unreadable(path, error) from None
    return laid_out(name, grid, merged)


def laid_out(name: str, grid: Grid, merged: Merged = ()) -> Sheet:
    """The table of a sheet: its first row the names of columns, from `header` on.

    >>> laid_out("a", [["Sales", "", ""], ["", "", ""], ["x", "", "y"], [1.0, "", 2.5], ["", "", ""], [3.0, "", 4.0]]).rows
    [['x', 'y'], [1.0, 2.5], [3.0, 4.0]]
    """
    sheet = Sheet(name=name)
    counts = [sum(_there(cell) for cell in row) for row in grid]
    widths = sorted(number for number in counts if number)
    if len(widths) < 2:
        return sheet
    typical = widths[len(widths) // 2]
    first = _header(counts, typical)
    upper = _upper(grid, merged, first)
    header = first + 1 if upper else first
    titles = [str(cell).strip() for row in grid[:first] for cell in row if _there(cell)]
    if titles:
        sheet.notes.append(f"text above the header is skipped: {titles[0][:60]!r}" + " …" * (len(titles) > 1))
    body = [list(row) for row in grid[header + 1 :]]
    _fill(sheet, body, merged, header)
    names = _names(grid, upper, header)
    if upper:
        sheet.notes.append(
            "column names are in two rows and are joined, such as " + repr(next(n for n in names if " " in n))
        )
    body = _without_remarks(sheet, body, typical)
    kept = [place for place, cell in enumerate(names) if cell or any(_there(row[place]) for row in body)]
    sheet.header = header
    sheet.rows = [[names[place] for place in kept], *([row[place] for place in kept] for row in body)] if body else []
    return sheet


def _there(cell: Any) -> bool:
    return cell is not None and (not isinstance(cell, str) or bool(cell.strip()))


def _header(counts: Sequence[int], typical: int) -> int:
    """The first row that is about as full as the table's."""
    start = next(row for row, number in enumerate(counts) if number)
    for row in range(start, min(len(counts), start + MOST_BEFORE)):
        if counts[row] > max(typical // 2, 1) or counts[row] == typical:
            return row
    return start


def _upper(grid: Grid, merged: Merged, first: int) -> dict[int, str]:
    """Column -> what a merged cell above several names says; empty where the names stand in one row, as they do mostly."""
    over = {
        column: str(grid[first][left]).strip()
        for (top, left), (bottom, right) in merged
        if top == bottom == first and right > left
        for column in range(left, min(right + 1, len(grid[first])))
    }
    below = grid[first + 1] if first + 1 < len(grid) else []
    return (
        over
        if over
        and all(column < len(below) and isinstance(below[column], str) and below[column].strip() for column in over)
        else {}
    )


def _names(grid: Grid, upper: dict[int, str], header: int) -> list[str]:
    cells = [_text(cell).strip() for cell in grid[header]]
    if not upper:
        return cells
    above = [_text(cell).strip() for cell in grid[header - 1]]
    return [f"{upper[place]} {cell}" if place in upper else cell or above[place] for place, cell in enumerate(cells)]


def _fill(sheet: Sheet, body: Grid, merged: Merged, header: int) -> None:
    """Repeat the value of a cell that is merged over rows in each of them."""
    end = header + len(body)  # the last row
    filled = [
        ((top, left), (min(bottom, end), _))
        for (top, left), (bottom, _) in merged
        if header < top < bottom and top <= end
    ]
    if sum(bottom - top for (top, _), (bottom, _) in filled) > sum(map(len, body)):
        raise DataError(f"sheet {sheet.name!r} has merged cells that overlap; save it as CSV")
    for (top, left), (bottom, _) in filled:
        for row in range(top + 1, bottom + 1):
            body[row - header - 1][left] = body[top - header - 1][left]
    if filled:
        (top, _), (bottom, _) = filled[0]
        sheet.notes.append(
            f"cells merged over rows, such as rows {top + 1} to {bottom + 1}, hold their value in each of those rows"
        )


def _without_remarks(sheet: Sheet, body: Grid, typical: int) -> Grid:
    """Rows without those that are empty, and without remarks and a total at the end."""
    end, said = _filled(body, len(body)), ""
    while typical >= ALONE and end and sum(map(_there, body[end - 1])) == 1:
        said = next(_text(cell) for cell in body[end - 1] if _there(cell))
        end = _filled(body, end - 1)
    if not end:
        return []
    if said:
        sheet.notes.append(f"text below the table is skipped: {said[:60]!r}")
    last = [cell for cell in body[end - 1] if _there(cell)]
    if end > 1 and isinstance(last[0], str) and _TOTAL.fullmatch(last[0]):
        sheet.notes.append(f"the last row is a total, and is left out: {last[0][:60]!r}")
        end = _filled(body, end - 1)
    rows = [row for row in body[:end] if any(map(_there, row))]
    if len(rows) < end:
        sheet.notes.append(
            f"{end - len(rows):,} empty rows among the others are skipped, and not counted in row numbers"
        )
    return rows


def _filled(body: Grid, end: int) -> int:
    """Rows up to the last of the first `end` that is not empty."""
    while end and not any(map(_there, body[end - 1])):
        end -= 1
    return end


def _write(sheet: Sheet, target: Path) -> None:
    dates = [any(isinstance(row[place], datetime) for row in sheet.rows[1:]) for place in range(len(sheet.rows[0]))]
    with target.open("w", encoding="utf-8", newline="") as file:
        file.write("\n" * sheet.header)
        out = csv.writer(file, lineterminator="\n")
        for row in sheet.rows:
            out.writerow([_text(cell, times) for cell, times in zip(row, dates, strict=True)])


def _text(cell: Any, times: bool = False) -> str:
    """A cell as it is written in CSV: whole numbers without a point, dates as ISO has them.

    times: whether dates have a time beside them in their column
    """
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, datetime):
        return cell.isoformat(" ", "seconds" if not cell.microsecond else "microseconds")
    if isinstance(cell, date) and times:
        return f"{cell.isoformat()} 00:00:00"
    return "" if cell is None else str(cell)
