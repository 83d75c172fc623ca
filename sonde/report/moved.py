"""Rows of tables: their values, and how far each of them moved the answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sonde.core.units import number

MOST_CELLS = 12  # of a row; those that moved its answer most
MOST_VALUE = 60  # characters


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One column of a row. moved: how far its value moved the answer, signed; part: of the largest such in the row, 0 to 1"""

    column: str
    value: str
    moved: str = ""
    part: float = 0.0
    up: bool = True


def cells_of(entry: Mapping[str, Any], moved: Mapping[str, Any]) -> list[Cell]:
    """The columns of an entry of worst.json, those that moved the answer most first; none of other rows. moved: of moved.json"""
    values = entry.get("cells")
    if not isinstance(values, Mapping):
        return []
    moves = (moved.get("rows") or {}).get(str(entry.get("index"))) or {}
    known = {str(name): float(value) for name, value in moves.items() if isinstance(value, int | float)}
    most = max(map(abs, known.values()), default=0.0) or 1.0
    names = sorted(map(str, values), key=lambda name: -abs(known.get(name, 0.0)))
    share = bool(moved.get("probability"))
    return [
        Cell(
            column=name[:MOST_VALUE],
            value=_value(values[name]),
            moved=_moved(known[name], share) if name in known else "",
            part=abs(known.get(name, 0.0)) / most,
            up=known.get(name, 0.0) >= 0,
        )
        for name in names[:MOST_CELLS]
    ]


def _value(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, float):
        return f"{value:.0f}" if value.is_integer() and abs(value) < 1e9 else number(value, 4)
    return str(value)[:MOST_VALUE]


def _moved(value: float, share: bool) -> str:
    """Percentage points of a probability, or the prediction's own units.

    >>> _moved(0.214, True), _moved(-1250.0, False)
    ('+21 points', '−1,250')
    """
    sign = "+" if value >= 0 else "−"
    return f"{sign}{100 * abs(value):.0f} points" if share else f"{sign}{number(abs(value), 3)}"
