"""Rows whose target cannot be read, left out and counted where `--skip-unreadable` asks for it."""

# pyright: reportAttributeAccessIssue=false
# pyarrow.compute makes its functions when it is imported, where pyright cannot see them

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sonde.core.errors import DataError
from sonde.modalities.table.kinds import UnreadableCells, as_text
from sonde.modalities.table.read import Table

T = TypeVar("T")


def reading(table: Table, read: Callable[[Table], T], *, skip: bool) -> tuple[Table, T, list[str]]:
    """(the table without the cells that could not be read, what was read of it, a warning for each kind of such cells).

    read: reads a target, and raises UnreadableCells for what it cannot
    Raises: DataError for such cells unless `skip`, which it names
    """
    said: list[str] = []
    while True:
        try:
            return table, read(table), said
        except UnreadableCells as error:
            if not skip:
                raise DataError(f"{error}, or leave such rows out with --skip-unreadable") from None
            said.append(_counted(table, error))
            table = _without(table, error.column, error.cells)


def _counted(table: Table, error: UnreadableCells) -> str:
    cell = as_text(table.columns[error.column].slice(int(error.cells.argmax()), 1).combine_chunks())[0].as_py()
    return (
        f"{table.name}: {error.cells.sum():,} of {len(table):,} rows are left out, since their {error.column!r} cannot be read, "
        f"such as {cell!r} ({table.place(int(error.cells.argmax()))})"
    )


def _without(table: Table, column: str, cells: np.ndarray) -> Table:
    """A table in which some cells of a column are empty."""
    kept = pc.if_else(pa.array(cells), pa.scalar(None, table.columns[column].type), table.columns[column])
    kept = kept if isinstance(kept, pa.ChunkedArray) else pa.chunked_array([kept])
    return replace(table, columns={**table.columns, column: kept})
