"""Which rows of a Dataset a DataLoader takes for each batch, and which of them cannot be read."""

import copy
import re
import traceback
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, Subset

from sonde.core.errors import DataError, SondeError, first_line

THEIRS = (f"{Path(torch.__file__).parent}/", f"{Path(np.__file__).parent}/", f"{Path(__file__).parents[2]}/")
"""Folders of code that is neither the caller's nor of the libraries that she calls."""

IN_WORKER = re.compile(r"^Caught \w+ in DataLoader worker process \d+\.\n")


class Taken:
    """The row numbers that a sampler hands out, batch by batch, in the order in which batches come."""

    def __init__(self, sampler: Any) -> None:
        self._sampler = sampler
        self.coming: deque[list[int]] = deque()

    def __len__(self) -> int:
        return len(self._sampler)

    def __iter__(self) -> Iterator[Any]:
        self.coming.clear()
        for rows in self._sampler:
            self.coming.append(list(rows))
            yield rows


def watched(loader: Any) -> tuple[Any, Taken | None]:
    """(a DataLoader that draws what this one draws, what it takes); (the loader itself, None) where rows have no numbers."""
    plain = isinstance(loader, DataLoader) and type(loader).__iter__ is DataLoader.__iter__
    if not plain or isinstance(loader.dataset, IterableDataset) or loader.batch_sampler is None:
        return loader, None
    if not getattr(loader, "in_order", True):
        return loader, None
    taken, other = Taken(loader.batch_sampler), copy.copy(loader)
    object.__setattr__(other, "batch_sampler", taken)  # which a DataLoader does not let one exchange
    return other, taken


def behind(dataset: Any, row: int) -> tuple[Any, int]:
    """The Dataset that parts of it are taken from, and the row's number there."""
    while isinstance(dataset, Subset):
        dataset, row = dataset.dataset, int(dataset.indices[row])
    return dataset, row


def unreadable(trouble: Exception, dataset: Any, rows: list[int], batch: int) -> Exception:
    """An error that names the row of `dataset` and the caller's line, for what reading the batch of `rows` raised.

    batch: its number in the epoch, from 0.  An error of ours that needs no row is given back as it is
    """
    said, where = _told(trouble)
    if isinstance(trouble, MemoryError | torch.OutOfMemoryError):
        return trouble
    if "DataLoader worker" in said and "exited unexpectedly" in said:
        return DataError(
            f"batch {batch + 1}: {said.rstrip('.')}, most likely out of memory; give the DataLoader fewer num_workers, or 0"
        )
    failed = _failing(dataset, rows)
    if failed is not None:
        row, told, line = failed
        named, number = behind(dataset, row)
        return DataError(
            f"row {number} of {type(named).__name__} cannot be read: {told}{line}; fix the row or leave it out"
        )
    numbers = [behind(dataset, row)[1] for row in rows]
    odd = _odd_shape(dataset, rows)
    which = f"rows {', '.join(map(str, numbers[:6]))}" + (f" and {len(rows) - 6} more" if len(rows) > 6 else "")
    if odd is not None:
        row, shape, usual = odd
        which = (
            f"row {behind(dataset, row)[1]} of {type(behind(dataset, row)[0]).__name__} holds {shape}, others {usual}"
        )
    if isinstance(trouble, SondeError) and odd is None and not IN_WORKER.match(str(trouble)):
        return trouble
    remedy = "" if odd is None else "; fix the row or leave it out, or give a collate_fn that takes it"
    return DataError(f"batch {batch + 1} ({which}) cannot be put together: {said}{where}{remedy}")


def line_of(trouble: BaseException) -> str:
    """Where the caller's own code stood, such as " (data.py line 12, in __getitem__)"; "" where none of it is in the way."""
    frames = traceback.extract_tb(trouble.__traceback__)
    return _words([(frame.filename, frame.lineno or 0, frame.name) for frame in frames])


def _words(frames: list[tuple[str, int, str]]) -> str:
    theirs = ("site-packages", "/lib/python")
    own = [f for f in frames if not f[0].startswith((*THEIRS, "<frozen")) and not any(part in f[0] for part in theirs)]
    if not own:
        return ""
    file, line, name = own[-1]
    return f" ({Path(file).name} line {line}, in {name})"


def _told(trouble: Exception) -> tuple[str, str]:
    """What an error says in one line, and the caller's line; of one in a worker what it said there."""
    text = str(trouble)
    if not IN_WORKER.match(text):
        said = str(trouble) if isinstance(trouble, SondeError) else f"{type(trouble).__name__}: {first_line(trouble)}"
        return said.rstrip("."), line_of(trouble)
    found = re.findall(r'^  File "(.+)", line (\d+), in (\S+)', text, re.MULTILINE)
    last = text.strip().splitlines()[-1]
    return last.removeprefix("sonde.core.errors.DataError: ").rstrip("."), _words(
        [(f, int(n), name) for f, n, name in found]
    )


def _failing(dataset: Any, rows: list[int]) -> tuple[int, str, str] | None:
    """The first of the rows that raises when it is read once more, here: (row, what it says, the caller's line)."""
    for row in rows:
        try:
            dataset[row]
        except Exception as trouble:  # of the caller's code, whatever it is
            return row, *_told(trouble)
    return None


def _odd_shape(dataset: Any, rows: list[int]) -> tuple[int, str, str] | None:
    """The first row whose parts have other shapes than most rows': (row, its shapes, the usual ones)."""
    shapes = [_shapes(dataset[row]) for row in rows]
    usual = max(set(shapes), key=lambda shape: (shapes.count(shape), -shapes.index(shape)))
    return next(((row, shape, usual) for row, shape in zip(rows, shapes, strict=True) if shape != usual), None)


def _shapes(sample: Any) -> str:
    if isinstance(sample, Mapping):
        return ", ".join(f"{name} {_shapes(part)}" for name, part in sample.items())
    if isinstance(sample, tuple | list):
        return ", ".join(map(_shapes, sample))
    return f"{tuple(sample.shape)}" if isinstance(sample, Tensor | np.ndarray) else type(sample).__name__
