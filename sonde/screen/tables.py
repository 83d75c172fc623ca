"""Listings of runs, models, tasks and data sets."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

from sonde.core.units import count, number


def cell(value: Any) -> str:
    """One value as text: numbers with thousands separated or three significant digits, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return count(value)
    return number(value) if isinstance(value, float) else str(value)


def is_numeric(rows: Sequence[Sequence[Any]], column: int) -> bool:
    """Whether a column holds numbers, as values or as text such as "97.20 %", and so is aligned to the right."""
    values = [row[column] for row in rows if row[column] not in (None, "", "–")]
    return bool(values) and all(_starts_as_number(value) for value in values)


def plain_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    """Lines with columns aligned by spaces, for pipes and files.

    >>> plain_table("models", ["name", "parameters"], [["mlp", 235146], ["lenet", 61706]])
    ['models', 'name   parameters', 'mlp       235,146', 'lenet      61,706']
    """
    texts = [list(columns), *([cell(value) for value in row] for row in rows)]
    widths = [max(len(row[place]) for row in texts) for place in range(len(columns))]
    right = [is_numeric(rows, place) for place in range(len(columns))]
    lines = [title] if title else []
    for row in texts:
        parts = [t.rjust(w) if r else t.ljust(w) for t, w, r in zip(row, widths, right, strict=True)]
        lines.append("  ".join(parts).rstrip())
    return lines


def rich_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> "Table":
    """The same for a terminal: ruled head, long text folded."""
    from rich.table import Table
    from rich.text import Text

    table = Table(
        title=Text(title, style="bold") if title else None,
        title_justify="left",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for place, name in enumerate(columns):
        numeric = is_numeric(rows, place)
        table.add_column(
            Text(name, style="bold"), justify="right" if numeric else "left", no_wrap=numeric, overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    return table


def _starts_as_number(value: Any) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return True
    text = str(value).lstrip("+-−")
    return text[:1].isdigit() and len(text) <= 12 and len(text.split()) <= 2
