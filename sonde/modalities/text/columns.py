"""Which column of a table is text, or a chain of letters, and whether it is what a model should read."""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from sonde.core.errors import DataError
from sonde.modalities.table.encode import FEW, NEAR_UNIQUE, is_row_number
from sonde.modalities.table.kinds import Categories, infer_kind, is_text, parse
from sonde.modalities.table.read import Table
from sonde.modalities.text.biological import chain_kind

LOOKED_AT = 2_000  # evenly spaced rows
MISSING = ("na", "n/a", "#n/a", "nan", "null")  # in lower case, as a whole cell
INVISIBLE = (
    string.whitespace + "\u00a0\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
)  # spaces, joiners and marks of no width
FEW_WORDS = 3  # mean words a cell from which on a column may be text
MANY_WORDS = 8  # from which on it is: names of people, addresses and titles have fewer


@dataclass(frozen=True, kw_only=True)
class TextColumns:
    """What is read, what is predicted, and what is left aside.

    chain:   "nucleotides" or "residues", "" for text
    aside:   columns that might have been inputs of a table
    guessed: why the target is one, where none was given
    """

    input: str
    targets: tuple[str, ...]
    chain: str = ""
    aside: tuple[str, ...] = ()
    guessed: str = ""


def find_text(table: Table, requested: Sequence[str]) -> TextColumns | None:
    """The column to read where that is text or a chain; None where the table is one of numbers and categories.

    It is read when nothing else in the table could be an input, or it is long text. Without `requested` the target is the only
    other column that is neither a name of the row nor the same throughout.
    """
    texts = {
        name: looked_at(table, name) for name in table.columns if name not in requested and is_text_column(table, name)
    }
    chains = {name: kind for name, cells in texts.items() if (kind := chain_kind(cells))}
    long = [name for name, cells in texts.items() if name not in chains and mean_words(cells) >= FEW_WORDS]
    long = [name for name in long if _near_unique(texts[name])]
    found = list(chains) or long
    if not found and len(table.columns) == 1 + max(1, len(requested)):  # single words, such as names of people
        found = [
            name for name, cells in texts.items() if _near_unique(cells) and infer_kind(table, name).kind == "category"
        ]
    if len(found) != 1:
        return None
    input, chain = found[0], chains.get(found[0], "")
    rest = [name for name in table.columns if name != input and name not in requested]
    if not requested:
        targets = [name for name in rest if not uninformative(table, name)]
        if len(targets) != 1:
            return None
        why = "the only other column" if len(rest) == 1 else f"of {len(rest)} others the only one with repeated values"
        return TextColumns(input=input, targets=(targets[0],), chain=chain, guessed=f"{why}; --target selects another")
    aside = [name for name in rest if not uninformative(table, name)]
    if aside and not chain and mean_words(texts[input]) < MANY_WORDS:
        return None
    return TextColumns(input=input, targets=tuple(requested), chain=chain, aside=tuple(aside))


def text_cells(table: Table, column: str) -> list[str]:
    """All cells of a column without surrounding spaces, "" where there is none. Raises: DataError for a column of no text.

    In a file of text a cell that is `MISSING` is one that is not there; other files say themselves what is missing.
    """
    array = table.columns[column]
    if not is_text_column(table, column):
        raise DataError(f"{table.name}: column {column!r} holds {array.type}, where text should be")
    cells: list[Any] = array.to_pylist()
    found = ["" if cell is None or is_blank(str(cell)) else str(cell).strip() for cell in cells]
    return ["" if cell.lower() in MISSING else cell for cell in found] if table.delimiter else found


def is_blank(text: str) -> bool:
    """Whether nothing can be seen of a text.

    >>> is_blank(" \u200b\ufeff"), is_blank("a\u200b")
    (True, False)
    """
    return not text.strip(INVISIBLE)


def is_text_column(table: Table, name: str) -> bool:
    """Whether a column's cells are text, whatever that says."""
    kind = table.columns[name].type
    return is_text(kind.value_type if pa.types.is_dictionary(kind) else kind)


def looked_at(table: Table, name: str) -> list[str]:
    """Some cells of a column, evenly spaced."""
    places = np.linspace(0, len(table) - 1, min(len(table), LOOKED_AT)).round().astype(np.int64)
    cells = table.columns[name].take(pa.array(places)).to_pylist()
    return [str(cell).strip() for cell in cells if cell is not None and str(cell).strip()]


def mean_words(cells: Sequence[str]) -> float:
    """Words of a cell, on average."""
    return sum(len(cell.split()) for cell in cells) / max(1, len(cells))


def _near_unique(cells: Sequence[str]) -> bool:
    return len(set(cells)) > NEAR_UNIQUE * len(cells)


def uninformative(table: Table, name: str) -> bool:
    """Whether a column only identifies rows, or is the same in all."""
    kind = infer_kind(table, name)
    if kind.kind in ("empty", "unusable"):
        return True
    values = parse(table, name, kind)
    if isinstance(values, Categories):
        present = int((values.codes >= 0).sum())
        return len(values.names) == 1 or (len(values.names) > FEW and len(values.names) > NEAR_UNIQUE * present)
    return kind.kind == "number" and is_row_number(name, values)
