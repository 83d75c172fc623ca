"""The fields of a source whose rows are all in memory, as far as checks may look at them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Subset, TensorDataset, default_collate

from sonde.core.nested import leaves
from sonde.data.feed.fields import named
from sonde.data.feed.loader import LoaderSource
from sonde.data.feed.resident import ResidentReader
from sonde.data.feed.source import BatchSource
from sonde.data.feed.tensors import MappedReader, NestedReader

MOST_ROWS = 50_000
MOST_BYTES = 128 << 20  # of a field; what is looked at costs about as much as copying it twice


def held_fields(source: Any) -> dict[str, Tensor | np.ndarray]:
    """Name -> (n, …) of tensors and arrays that a source reads its rows from; nothing where it reads them one by one.

    Of a DataLoader those of a TensorDataset, or of a part of one, whose rows nothing changes on their way.
    """
    source = getattr(source, "source", source)  # one that was looked at is wrapped
    if isinstance(source, BatchSource):
        return _of_reader(source.reader)
    if isinstance(source, LoaderSource) and isinstance(source.loader, DataLoader):
        return _of_set(source.loader.dataset)
    return {}


def unchanged_fields(source: Any) -> dict[str, Tensor | np.ndarray]:
    """`held_fields` where batches hold these rows as they are: nothing augments them, and nothing of the caller's joins them."""
    inner = getattr(source, "source", source)
    if may_change_rows(inner):
        return {}
    joins = getattr(inner.loader, "collate_fn", None) if isinstance(inner, LoaderSource) else None
    return held_fields(inner) if joins in (None, default_collate) else {}


def may_change_rows(source: Any) -> bool:
    """Whether rows are, or may be, changed at random on their way: by augmentation, or by a Dataset or loader of the caller's."""
    source = getattr(source, "source", source)
    return source.augmented if isinstance(source, BatchSource) else not held_fields(source)


def chosen_rows(fields: Mapping[str, Tensor | np.ndarray]) -> np.ndarray:
    """(rows,) int64, sorted: those that are looked at, evenly over all where these are too many."""
    rows = min((len(field) for field in fields.values()), default=0)
    widest = max((field.nbytes for field in fields.values()), default=0)
    most = min(MOST_ROWS, max(1, int(MOST_BYTES / max(1, widest) * rows)))
    return np.arange(rows) if rows <= most else np.linspace(0, rows - 1, most).astype(np.int64)


def taken(field: Tensor | np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(len(rows), …) in host memory, read only."""
    whole = len(rows) == len(field)
    if isinstance(field, Tensor):
        some = field.detach() if whole else field.detach()[torch.from_numpy(rows).to(field.device)]
        return _as_array(some)
    return np.asarray(field if whole else field[rows])


def _as_array(tensor: Tensor) -> np.ndarray:
    host = tensor.cpu()
    return (host.float() if host.dtype is torch.bfloat16 else host).numpy()


def _of_reader(reader: Any) -> dict[str, Tensor | np.ndarray]:
    if isinstance(reader, NestedReader):
        return _of_reader(reader.reader)
    return dict(reader.held()) if isinstance(reader, ResidentReader | MappedReader) else {}


def _of_set(rows: Any) -> dict[str, Tensor | np.ndarray]:
    if isinstance(rows, Subset):
        places = torch.as_tensor(list(rows.indices), dtype=torch.int64)
        return {name: _part(field, places) for name, field in _of_set(rows.dataset).items()}
    if type(rows) is not TensorDataset:  # what inherits from it may change rows
        return {}
    return {
        ".".join(map(str, path)): leaf
        for name, field in named(tuple(rows.tensors)).items()
        for path, leaf in leaves(field, (name,))
    }


def _part(field: Tensor | np.ndarray, places: Tensor) -> Tensor | np.ndarray:
    return field[places.to(field.device)] if isinstance(field, Tensor) else field[places.numpy()]
