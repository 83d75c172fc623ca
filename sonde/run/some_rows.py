"""Some rows of a map-style Dataset of the caller's, read by their number without a trace."""

import copy
from collections.abc import Sequence, Sized
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, default_collate

from sonde.core.nested import leaves
from sonde.data.feed.fields import fields_of
from sonde.data.feed.iterables import collated
from sonde.data.feed.loader import LoaderSource
from sonde.run.given_rows import seeded

MOST_READ = 512  # rows: a share of one half of them is known to within 0.022 (standard error)
AT_ONCE = 16  # rows that are held whole
MOST_NUMBERS = 1024  # of a row's field, of those that are kept: targets and not pictures


def some_rows(source: Any) -> dict[str, Tensor]:
    """Name -> (n, …) of at most `MOST_READ` rows of a map-style Dataset, evenly over all; fields with many numbers are left
    out, and those that differ when the same rows are read again.

    Nothing of what is no such set, of a DataLoader with a collate_fn of the caller's, and where a row cannot be read.
    """
    source = getattr(source, "source", source)  # one that was looked at is wrapped
    loader = source.loader if isinstance(source, LoaderSource) else None
    if not isinstance(loader, DataLoader) or loader.collate_fn not in (collated, default_collate):
        return {}
    rows = loader.dataset
    if isinstance(rows, IterableDataset) or not isinstance(rows, Sized) or not len(rows):
        return {}
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MOST_READ)).astype(np.int64)).tolist()
    try:
        with seeded(rows):
            return _read(copy.copy(rows), chosen, source.floats)
    except Exception:  # of the caller's code, which has read these rows while it trained
        return {}


def _read(rows: Any, chosen: Sequence[int], floats: torch.dtype) -> dict[str, Tensor]:
    parts: dict[str, list[Tensor]] = {}
    for begin in range(0, len(chosen), AT_ONCE):
        for name, leaf in _small(rows, chosen[begin : begin + AT_ONCE], floats).items():
            parts.setdefault(name, []).append(leaf)
    again = _small(rows, chosen[:AT_ONCE], floats)
    return {name: torch.cat(several) for name, several in parts.items() if torch.equal(several[0], again[name])}


def _small(rows: Any, numbers: Sequence[int], floats: torch.dtype) -> dict[str, Tensor]:
    """Of these rows the fields that are kept."""
    batch = fields_of(collated([rows[number] for number in numbers]), floats=floats)
    found = {".".join(map(str, path)): leaf for name, field in batch.items() for path, leaf in leaves(field, (name,))}
    return {name: leaf for name, leaf in found.items() if isinstance(leaf, Tensor) and leaf[0].numel() <= MOST_NUMBERS}
