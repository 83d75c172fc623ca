"""What a table in text begins with: lines before the header, the delimiter, the first rows."""

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where pyright cannot see them

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from sonde.core.errors import DataError
from sonde.modalities.table.around import about_the_columns, about_the_table

DELIMITERS = ",\t;|"
BLANKS = " "  # any number of them
_BETWEEN_BLANKS = re.compile(r'"[^"]*"|\S+')
HEAD = 200  # rows, to recognise a table by
FEWEST = 6  # rows that show whether the first is a title
MOST_BEFORE = 20  # lines before a header; more are rows that differ
_NUMBER = re.compile(r"\W*\d[\d.,' ]*(?:[eE][+-]?\d+)?\W*")
_SEP = re.compile(r'"?sep=(?P<delimiter>.)"?\s*', re.IGNORECASE)  # by which Excel is told the delimiter


@dataclass(frozen=True, kw_only=True)
class Head:
    """The beginning of a text.

    rows:         cells of up to `HEAD` rows, a header among them
    before:       lines that stand before them and belong to no row
    header_lines: lines of the first row, more than one where a quoted name is broken
    passed:       lines between header and rows that tell units or questions, and belong to no row
    notes:        what was skipped, where that is a guess
    """

    delimiter: str
    rows: list[list[str]]
    before: int = 0
    header_lines: int = 1
    passed: int = 0
    notes: tuple[str, ...] = ()


def cut_head(lines: Sequence[str], preferred: str) -> Head:
    """The first lines of a text, of which one at least is not blank, as rows. preferred: the delimiter that its ending means"""
    named = _SEP.fullmatch(lines[0]) if len(lines) > 1 else None
    before = _before(lines, 1 if named else 0)
    rest = lines[before:]
    candidates = named["delimiter"] if named else "".join(sorted(DELIMITERS, key=lambda d: d != preferred))
    best, most = Head(delimiter=preferred, rows=[]), -1
    for delimiter in candidates:
        head = _cut(rest, delimiter, before)
        widths = [len(row) for row in head.rows]
        even = widths.count(widths[0]) if widths[0] > 1 else 0
        if even > most:
            best, most = head, even
    return (None if named else _by_blanks(rest, before, best)) or best


def tabbed(text: str) -> str:
    """Lines whose cells are parted by blanks, with a tab in between; quotes hold a cell together.

    >>> tabbed(' 1.5   2  "a car"')
    '1.5\\t2\\t"a car"'
    """
    return "\n".join("\t".join(_BETWEEN_BLANKS.findall(line)) for line in text.splitlines())


def _by_blanks(lines: Sequence[str], before: int, best: Head) -> Head | None:
    """Rows that blanks part, None where another sign does, or where they are no even rows with numbers in most columns."""
    blank = best.delimiter == "\t" and "  " in best.rows[-1][0].strip() if best.rows and best.rows[-1] else False
    if not best.rows or (max(map(len, best.rows)) > 1 and not blank):
        return None
    rows = [[cell.strip('"') for cell in _BETWEEN_BLANKS.findall(line)] for line in lines[:HEAD] if line.strip()]
    width = len(rows[0])
    if len(rows) < FEWEST or width < 2 or any(len(row) != width for row in rows):
        return None
    numeric = sum(all(_NUMBER.fullmatch(row[place]) or row[place] == "?" for row in rows[1:]) for place in range(width))
    return Head(delimiter=BLANKS, rows=rows, before=before) if numeric * 2 >= width else None


def named_columns(cells: Sequence[str]) -> list[str]:
    """Names of columns out of a first row: line breaks are spaces, and several without a name are numbered as pandas does.

    >>> named_columns(["first\\nname", "v", "", ""])
    ['first name', 'v', 'Unnamed: 2', 'Unnamed: 3']
    """
    names = [re.sub(r"\s*[\r\n]+\s*", " ", cell.strip()) for cell in cells]
    if names.count("") < 2:
        return names
    return [name or f"Unnamed: {place}" for place, name in enumerate(names)]


def with_a_name_for_each(head: Head) -> tuple[Head, list[str]]:
    """(a head whose first row has a cell for each of those below, what to say): all of these may have one cell more.

    It is empty at the end, where a program writes a delimiter after every cell; or it names the row at the front, as R does.
    """
    first, *below = head.rows
    if not below or any(len(row) != len(first) + 1 for row in below):
        return head, []
    if not any(row[-1].strip() for row in below):
        return replace(head, rows=[[*first, ""], *below]), []
    names = [row[0].strip() for row in below]
    if len(below) < 2 or len(set(names)) < len(names):
        return head, []
    return replace(head, rows=[["", *first], *below]), [
        "rows have one cell more than the header, so their first cell is read as the row's name"
    ]


def check_names(columns: Sequence[str], name: str) -> None:
    """Raises: DataError for two columns of one name, and for several without one"""
    for position, column in enumerate(columns, start=1):
        if not column:
            # the index that pandas writes without a name is the common case, so it gets no error
            continue
        if column in columns[: position - 1]:
            raise DataError(f"{name} has two columns called {column!r}; rename one of them")
    if sum(not column for column in columns) > 1:
        raise DataError(f"{name} has several columns without a name; name them")


def without_empty(
    columns: dict[str, pa.ChunkedArray], header: Sequence[str]
) -> tuple[dict[str, pa.ChunkedArray], list[str]]:
    """Columns but those that have neither a name nor a cell, as a spreadsheet leaves them behind; and what to say of it."""
    nameless = [name for name, cell in zip(columns, header, strict=True) if not cell.strip()]
    empty = [name for name in nameless if not pc.any(pc.not_equal(pc.utf8_trim_whitespace(columns[name]), "")).as_py()]
    kept = {name: cells for name, cells in columns.items() if name not in empty}
    called = [repr(name) for name in nameless if name and name not in empty]
    return kept, [f"columns without a name are called {', '.join(called)}"] if called else []


def _before(lines: Sequence[str], start: int) -> int:
    """Lines that are blank or comments, from `start` on; the last comment may be the header."""
    end = start
    while end < len(lines) and (not lines[end].strip() or lines[end].lstrip().startswith("#")):
        end += 1
    if end >= len(lines):
        return start
    last = end - 1
    if last >= start and lines[last].lstrip().startswith("#"):
        for delimiter in DELIMITERS:
            fields = lines[last].count(delimiter)
            if fields and fields == lines[end].count(delimiter):
                return last
    return end


def _cut(lines: Sequence[str], delimiter: str, before: int) -> Head:
    """Lines cut by one delimiter, without what stands above rows of several cells, and units and the like below names."""
    skipped = 0
    while True:
        reader = csv.reader(lines[skipped : skipped + HEAD], delimiter=delimiter)
        rows: list[list[str]] = []
        ends: list[int] = []  # the last line of each row
        for row in reader:
            rows.append(row)
            ends.append(reader.line_num)
        title = 1 if rows and (not rows[0] or _stands_alone(rows)) else 0
        above = title or about_the_table(rows)
        if skipped >= MOST_BEFORE or not above:
            break
        skipped += ends[above - 1]
    titles = [line.strip() for line in lines[:skipped] if line.strip()]
    said = f"{len(titles)} line{'s' * (len(titles) > 1)} before the header {'are' if len(titles) > 1 else 'is'} skipped"
    notes = [f"{said}: {titles[0][:60]!r}"] if titles else []
    below = about_the_columns(rows)
    if below:
        what = f"{below} rows that explain the columns are" if below > 1 else "a row of units is"
        notes.append(f"{what} skipped below the header: {delimiter.join(rows[below])[:60]!r}")
    first_lines = ends[0] if ends else 1
    return Head(
        delimiter=delimiter,
        rows=[row for row in (*rows[:1], *rows[1 + below :]) if row],
        before=before + skipped,
        header_lines=first_lines,
        passed=ends[below] - first_lines if below else 0,
        notes=tuple(notes),
    )


def _stands_alone(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is a title: one cell above names, below which numbers stand in some column."""
    there = [row for row in rows if row]
    if len(there) < FEWEST or there[0] is not rows[0] or sum(bool(cell.strip()) for cell in rows[0]) != 1:
        return False
    _, names, *below = there
    width = len(names)
    if width < 2 or len(rows[0]) not in (1, width) or sum(len(row) == width for row in below) < 0.9 * len(below):
        return False
    cells = [cell.strip() for cell in names]
    if not all(cells) or len(set(cells)) < width or any(_NUMBER.fullmatch(cell) for cell in cells):
        return False
    whole = [row for row in below if len(row) == width]
    return any(all(_NUMBER.fullmatch(row[place].strip()) for row in whole) for place in range(width))
