"""What a row is made of, and whether rows are already in memory. Free of torch: worker processes import this."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from sonde.core.dataset import Rows
from sonde.data.rows import (
    BucketKeys,
    InMemory,
    InputRows,
    InputsOf,
    MappedInputs,
    OfEncoded,
    Pieces,
    Sequences,
    StandardisedInputs,
)
from sonde.data.splits import SubsetRows


@dataclass(frozen=True)
class Field:
    """One field of a row as it is stored: its shape without the row dimension, and its type."""

    shape: tuple[int, ...]
    dtype: np.dtype

    @property
    def nbytes(self) -> int:
        """Bytes of one row."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


def layout_of(rows: Rows) -> dict[str, Field]:
    """Fields of a row, learnt from the first. Raises: DataError when that cannot be read."""
    first = rows.read(np.zeros(1, dtype=np.int64))
    return {
        name: Field(array.shape[1:], stored_dtype(name, array.dtype, axes=array.ndim)) for name, array in first.items()
    }


def stored_dtype(name: str, dtype: np.dtype, *, axes: int = 1) -> np.dtype:
    """Bytes of an input stay bytes (pixels), and so do whole numbers for every pixel (masks), whose rows make three axes;
    other whole numbers become int64, all else float32.
    """
    if (dtype == np.uint8) if name == "input" else (axes == 3 and np.issubdtype(dtype, np.integer)):
        return dtype
    return np.dtype(np.int64) if np.issubdtype(dtype, np.integer) else np.dtype(np.float32)


def held(rows: Rows) -> tuple[Mapping[str, np.ndarray], np.ndarray | None] | None:
    """(arrays, which rows of them) for rows that are whole arrays in memory, or a selection of such; else None.

    The selection is int64, None where the rows are all of the arrays' in their order.
    """
    whole, chosen = _selected(rows)
    arrays = whole.held() if isinstance(whole, InMemory) else None
    return None if arrays is None else (arrays, chosen)


def lengths_of(rows: Rows) -> np.ndarray | None:
    """(n,) int64 lengths of rows that are sequences in memory, through selections; None for rows of one shape."""
    whole, chosen = _selected(rows)
    lengths = whole.lengths() if isinstance(whole, Sequences) else None
    return lengths if lengths is None or chosen is None else lengths[chosen]


def bucket_keys_of(rows: Rows) -> np.ndarray | None:
    """(n,) int64 by which sequences come into one batch: what the rows say (`BucketKeys`), else their lengths."""
    whole, chosen = _selected(rows)
    keys = whole.bucket_keys if isinstance(whole, BucketKeys) else None
    if keys is None:
        return lengths_of(rows)
    return keys if chosen is None else keys[chosen]


def _selected(rows: Rows) -> tuple[Rows, np.ndarray | None]:
    """What rows are a selection of, and which of its rows: int64, None for all of them in their order."""
    chosen = None
    while isinstance(rows, SubsetRows):
        chosen = rows.indices if chosen is None else rows.indices[chosen]
        rows = rows.rows
    return rows, chosen


def pieces_of(rows: object) -> Pieces | None:
    """What rows are read from, through selections and conversions, where that is read many rows at a time; else None."""
    if isinstance(rows, SubsetRows | InputsOf):
        return pieces_of(rows.rows)
    if isinstance(rows, InputRows | StandardisedInputs):
        return pieces_of(rows.inputs)
    if isinstance(rows, OfEncoded):
        return pieces_of(rows.encoded)
    return rows if isinstance(rows, Pieces) else None


def is_mapped(rows: object) -> bool:
    """Whether rows are read from a mapped file, through selections and conversions."""
    if isinstance(rows, SubsetRows):
        return is_mapped(rows.rows)
    if isinstance(rows, InputRows | StandardisedInputs):
        return is_mapped(rows.inputs)
    return isinstance(rows, MappedInputs)


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
