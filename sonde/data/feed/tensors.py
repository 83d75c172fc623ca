"""Named tensors or arrays as a source: what a researcher who brings her own trains on."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.core.config import FeedConfig, size_bytes
from sonde.core.errors import ConfigError, DataError
from sonde.core.memory import free_bytes
from sonde.core.nested import Field, leaves, like, rows_of
from sonde.data.feed.fields import as_floats
from sonde.data.feed.order import build_order
from sonde.data.feed.resident import ResidentReader, check_lengths, to_device
from sonde.data.feed.source import BatchSource
from sonde.data.mapped import is_mapped, mapped_tensor, release


class MappedReader:
    """Gathers batches from arrays (n, …) of which some are mapped files, without ever holding all rows of those.

    let_go: after each batch, so that no more of a mapped file is in memory than that
    Raises: DataError when the arrays differ in length
    """

    warnings = ()

    def __init__(
        self,
        fields: Mapping[str, np.ndarray | Tensor],
        device: torch.device,
        *,
        let_go: bool,
        floats: torch.dtype = torch.float32,
    ) -> None:
        check_lengths(fields)
        self._fields, self._device, self._let_go, self._floats = fields, device, let_go, floats

    def read(self, batches: Sequence[Tensor]) -> Iterator[dict[str, Tensor]]:
        """Fields of each batch on the device."""
        for rows in batches:
            yield {
                name: to_device(as_floats(self._gathered(field, rows), self._floats), self._device)
                for name, field in self._fields.items()
            }

    def held(self) -> dict[str, np.ndarray | Tensor]:
        """Its arrays, read only."""
        return dict(self._fields)

    def _gathered(self, field: np.ndarray | Tensor, rows: Tensor) -> Tensor:
        if isinstance(field, Tensor):
            return field.index_select(0, rows.to(field.device)).cpu()
        found = torch.from_numpy(np.ascontiguousarray(field[rows.numpy()]))
        if self._let_go:
            release(field)
        return found


class NestedReader:
    """Gathers batches of fields that are tuples, dicts or lists: their tensors by another reader, lists entry by entry.

    reader: of all tensors that there are, by name where they are a field, "input.0" where they are a part of one
    """

    warnings = ()

    def __init__(self, fields: Mapping[str, Field], reader: "ResidentReader | MappedReader") -> None:
        self._fields, self.reader = fields, reader

    def read(self, batches: Sequence[Tensor]) -> Iterator[dict[str, Field]]:
        """Fields of each batch, tensors on the device."""
        for rows, tensors in zip(batches, self.reader.read(batches), strict=False):
            yield {name: self._gathered(field, name, tensors, rows) for name, field in self._fields.items()}

    def _gathered(self, field: Field, name: str, tensors: Mapping[str, Tensor], rows: Tensor) -> Field:
        if isinstance(field, tuple):
            return like(field, [self._gathered(part, f"{name}.{n}", tensors, rows) for n, part in enumerate(field)])
        if isinstance(field, dict):
            return {key: self._gathered(part, f"{name}.{key}", tensors, rows) for key, part in field.items()}
        return tensors[name] if name in tensors else rows_of(field, rows)


def tensor_source(
    fields: Mapping[str, Field],
    config: FeedConfig,
    *,
    training: bool,
    seed: int,
    device: torch.device,
    floats: torch.dtype = torch.float32,
    numbers: Tensor | None = None,
) -> BatchSource:
    """A source over tensors or arrays (n, …) that share their first dimension, fed as they are but for float64, which becomes
    `floats`. Those that are mapped files are read from there. Fields may be tuples and dicts of such too, and lists of n entries.

    training: in a new order each epoch; otherwise as they stand
    numbers:  (rows,) of the rows where they were taken from; None where these are all
    Raises: DataError when the fields differ in length, are empty or hold no tensor; ConfigError for a batch larger than the data
    """
    held = {".".join(map(str, path)): leaf for name, field in fields.items() for path, leaf in leaves(field, (name,))}
    if single := [name for name, leaf in held.items() if getattr(leaf, "ndim", 1) == 0]:
        raise DataError(f"{single[0]} is a single number; give one row of each per example")
    check_lengths(held)
    arrays = {name: leaf for name, leaf in held.items() if isinstance(leaf, Tensor | np.ndarray)}
    of_arrays = [isinstance(row, Tensor | np.ndarray) for leaf in held.values() for row in leaf[:1]]
    if not arrays and (training or not any(of_arrays)):
        raise DataError(f"the data hold no tensor: {', '.join(f'{name} is a list' for name in held) or 'no field'}")
    rows = len(next(iter((arrays or held).values())))
    if not rows:
        raise DataError("the tensors hold no rows; give at least one")
    if training and config.batch_size > rows:
        raise ConfigError(
            f"--batch-size {config.batch_size} is larger than the {rows:,} training rows; give at most {rows}"
        )
    reader: Any = _reader(arrays, config, device, floats)
    if arrays.keys() != fields.keys():
        reader = NestedReader(fields, reader)
    order = build_order(rows, config, training=training, seed=seed)
    return BatchSource(order, reader, describe=lambda index: f"row {index if numbers is None else int(numbers[index])}")


def _reader(
    fields: Mapping[str, Tensor | np.ndarray], config: FeedConfig, device: torch.device, floats: torch.dtype
) -> ResidentReader | MappedReader:
    held = {name: _held(field) for name, field in fields.items()}
    mapped = [field for field in held.values() if isinstance(field, np.ndarray)]
    total = sum(field.nbytes for field in mapped)
    fits = total <= size_bytes(config.memory, free=free_bytes())
    if mapped and (device.type == "cpu" or not fits):
        return MappedReader(held, device, let_go=not fits, floats=floats)
    # numpy makes doubles unasked, and a network of floats refuses them
    tensors = {name: as_floats(torch.as_tensor(field), floats) for name, field in fields.items()}
    return ResidentReader(tensors, device)


def _held(field: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """A mapped file as an array, everything else as a tensor."""
    if isinstance(field, Tensor):
        found = mapped_tensor(field)
        return field if found is None else found
    if is_mapped(field):
        return field
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of an array that is read only, which nothing writes to here
        return torch.as_tensor(field)
