"""Rows -> tensors that hold them all, read once."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from sonde.core.dataset import Rows
from sonde.core.memory import give_back
from sonde.core.progress import Tick, silent
from sonde.data.feed.layout import cores, layout_of, pieces_of, stored_dtype

CHUNK_BYTES = 4 * 2**20  # read at a time by each thread: what is held twice
CHUNK_ROWS = 512


def as_tensor(name: str, array: np.ndarray) -> Tensor:
    """An array as a tensor of its stored type and with its strides, sharing memory where the type allows."""
    wanted = array.astype(stored_dtype(name, array.dtype, axes=array.ndim), copy=False)
    if any(stride < 0 for stride in wanted.strides):  # which torch does not have
        wanted = np.ascontiguousarray(wanted)
    with warnings.catch_warnings():
        # arrays over bytes of a file are read-only, and nothing here writes to them
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.from_numpy(wanted)


def pack(rows: Rows, chosen: np.ndarray, *, label: str = "", tick: Tick = silent) -> dict[str, Tensor]:
    """The rows `chosen` (n,) of a split in tensors (n, …), read in chunks by several threads into place.

    Raises: DataError for the first row, in the order of `chosen`, that cannot be read
    """
    layout = layout_of(rows)
    packed = {name: np.empty((len(chosen), *field.shape), field.dtype) for name, field in layout.items()}
    row_bytes = sum(field.nbytes for field in layout.values())
    step = max(1, min(CHUNK_ROWS, CHUNK_BYTES // max(row_bytes, 1)))
    cuts = [*range(0, len(chosen), step), len(chosen)]

    def fill(start: int, stop: int) -> int:
        for name, array in rows.read(chosen[start:stop]).items():
            packed[name][start:stop] = array
        return stop

    _in_threads(fill, list(pairwise(cuts)), f"packing {label}".strip(), len(chosen), tick)
    if pieces := pieces_of(rows):
        pieces.drop()
    give_back()
    return {name: torch.from_numpy(array) for name, array in packed.items()}


def _in_threads(
    fill: Callable[[int, int], int], spans: Sequence[tuple[int, int]], label: str, total: int, tick: Tick
) -> None:
    # Pillow decodes without holding the interpreter's lock
    executor = ThreadPoolExecutor(max_workers=min(4, cores(), max(1, len(spans))))
    try:
        for done in executor.map(lambda span: fill(*span), spans):
            tick(label, done, total)
    finally:
        executor.shutdown(cancel_futures=True)
