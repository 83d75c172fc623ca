"""What is said of a column to predict that a table does not have."""

import re
from collections.abc import Sequence

from sonde.core.errors import nearest
from sonde.modalities.table.read import Table

MOST = 8  # names in a sentence


def hint_of(table: Table, name: str) -> str:
    """What may have been meant: a name in a first row that was read as data, a near name, or a place."""
    names = list(table.columns)
    if said := _taken_for_data(table, name):
        return said
    near = nearest(name, names) or [n for n in names if n.lower() == name.lower()]
    return f"did you mean {' or '.join(map(repr, near))}?" if near else _by_place(name, names)


def _taken_for_data(table: Table, name: str) -> str:
    """What to do where a first row that holds the name was read as data; "" where it was not, and of a number, a place."""
    if not table.headless or re.fullmatch(r"-?\d+", name):
        return ""
    first = [str(cells[0].as_py()).strip() for cells in table.columns.values() if len(cells)]
    if name not in first:
        return ""
    return (
        "its first row, which holds that name, reads like those below and was taken for data: shorten the names in it, or "
        "give them all with --columns"
    )


def _by_place(name: str, names: Sequence[str]) -> str:
    """What a column that is not there may mean: a number names none, but may be a place."""
    place = int(name) if re.fullmatch(r"-?\d{1,6}", name) else 0
    meant = []
    if 1 <= place <= len(names):
        meant.append(f"column {place} is {names[place - 1]!r}")
    if 0 <= place < len(names) and name.isdigit():
        meant.append(f"column {place} counted from 0 is {names[place]!r}")
    if -len(names) <= place < 0:
        meant.append(f"the {'last' if place == -1 else f'{-place}th from the end'} is {names[place]!r}")
    if meant:
        return f"columns are given by name: {', '.join(meant)}"
    return f"it has {', '.join(names[:MOST])}" + (f" … ({len(names)} in all)" if len(names) > MOST else "")
