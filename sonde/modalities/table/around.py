"""What instruments and surveys write around a table: lines about the measurement above it, units or questions below its names."""

import re
from collections import Counter
from collections.abc import Sequence

FEWEST = 6  # rows that show what a table is like
MOST_ABOVE = 20  # rows before a header
MOSTLY = 0.8  # of a column's cells are numbers; others may be gaps and limits
LONGEST_UNIT = 16  # characters
QUESTION = '{"ImportId"'  # with which Qualtrics begins each cell of its third row
_NUMBER = re.compile(r"[<>~+-]?\s*\d[\d.,' ]*(?:[eE][+-]?\d+)?\s*%?")
_UNIT = re.compile(r"[^\W\d]|[%°\u2030$€£]")
_GAPS = ("na", "nan", "n/a", "null", "none", "nd", "n.d.", "missing")


def about_the_table(rows: Sequence[Sequence[str]]) -> int:
    """How many rows stand above a header and are no part of the table: of two cells, or shorter by half, as `Serial;SN-88` is.

    rows: as they are cut, blank ones too

    >>> about_the_table([["Serial", "SN-88"], [], ["t", "abs", "conc"], *[[str(n), "0.5", "2"] for n in range(9)]])
    2
    """
    width = Counter(len(row) for row in rows if row).most_common(1)[0][0] if any(rows) else 0
    short = max(2, width // 2)
    if width <= short or len(rows) < FEWEST or _filled(rows[0]) > short:
        return 0
    for place, row in enumerate(rows[: MOST_ABOVE + 1]):
        if _filled(row) <= short:
            continue
        below = [cells for cells in rows[place + 1 :] if cells]
        even = [cells for cells in below if len(cells) == width]
        names = [cell.strip() for cell in row]
        named = len(row) == width and all(names) and len(set(names)) == width and not any(map(_NUMBER.fullmatch, names))
        return place if named and len(even) >= max(FEWEST, 0.9 * len(below)) and _of_numbers(even) else 0
    return 0


def about_the_columns(rows: Sequence[Sequence[str]]) -> int:
    """How many rows below the names tell units (1) or the questions of a survey (2), 0 for none.

    >>> about_the_columns([["name", "mass", "length"], ["", "kg", "m"], *[["a", "1,5", "2"]] * 9])
    1
    """
    if len(rows) > 2 and rows[2] and all(cell.startswith(QUESTION) for cell in rows[2]):
        return 2
    if len(rows) < FEWEST + 2 or len(rows[1]) != len(rows[0]):
        return 0
    numbers = _of_numbers([row for row in rows[2:] if len(row) == len(rows[0])])
    units = [cell.strip() for place, cell in enumerate(rows[1]) if place in numbers]
    others = [cell.strip() for place, cell in enumerate(rows[1]) if place not in numbers]
    written = [unit for unit in units if _is_unit(unit)]
    return int(len(written) >= 2 and all(unit in ("", "-") for unit in set(units) - set(written)) and not any(others))


def _is_unit(cell: str) -> bool:
    short = len(cell) <= LONGEST_UNIT and cell.lower() not in _GAPS
    return short and _UNIT.search(cell) is not None and not _NUMBER.fullmatch(cell)


def _filled(row: Sequence[str]) -> int:
    """Cells of a row up to the last with something in it."""
    return max((place for place, cell in enumerate(row, start=1) if cell.strip()), default=0)


def _of_numbers(rows: Sequence[Sequence[str]]) -> list[int]:
    """Places of the columns whose cells are mostly numbers."""
    columns = enumerate(zip(*rows, strict=True))
    share = {place: sum(_NUMBER.fullmatch(cell.strip()) is not None for cell in cells) for place, cells in columns}
    return [place for place, number in share.items() if number >= MOSTLY * len(rows) > 0]
