"""Named tensors or arrays as a source: what a researcher who brings her own trains on."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from sonde.core.config import FeedConfig, size_bytes
from sonde.core.errors import ConfigError, DataError
from sonde.core.memory import free_bytes
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

    def __init__(self, fields: Mapping[str, np.ndarray | Tensor], device: torch.device, *, let_go: bool) -> None:
        check_lengths(fields)
        self._fields, self._device, self._let_go = fields, device, let_go

    def read(self, batches: Sequence[Tensor]) -> Iterator[dict[str, Tensor]]:
        """Fields of each batch on the device."""
        for rows in batches:
            yield {
                name: to_device(_floats(self._gathered(field, rows)), self._device)
                for name, field in self._fields.items()
            }

    def _gathered(self, field: np.ndarray | Tensor, rows: Tensor) -> Tensor:
        if isinstance(field, Tensor):
            return field.index_select(0, rows.to(field.device)).cpu()
        found = torch.from_numpy(np.ascontiguousarray(field[rows.numpy()]))
        if self._let_go:
            release(field)
        return found


def tensor_source(
    fields: Mapping[str, Tensor | np.ndarray], config: FeedConfig, *, training: bool, seed: int, device: torch.device
) -> BatchSource:
    """A source over tensors or arrays (n, …) that share their first dimension, fed as they are but for float64, which becomes
    float32. Those that are mapped files are read from there.

    training: in a new order each epoch; otherwise as they stand
    Raises: DataError when the tensors differ in length or are empty; ConfigError for a batch larger than the data
    """
    rows = len(next(iter(fields.values())))
    reader = _reader(fields, config, device)
    if not rows:
        raise DataError("the tensors hold no rows; give at least one")
    if training and config.batch_size > rows:
        raise ConfigError(
            f"--batch-size {config.batch_size} is larger than the {rows:,} training rows; give at most {rows}"
        )
    order = build_order(rows, config, training=training, seed=seed)
    return BatchSource(order, reader, describe=lambda index: f"row {index}")


def _reader(
    fields: Mapping[str, Tensor | np.ndarray], config: FeedConfig, device: torch.device
) -> ResidentReader | MappedReader:
    held = {name: _held(field) for name, field in fields.items()}
    mapped = [field for field in held.values() if isinstance(field, np.ndarray)]
    total = sum(field.nbytes for field in mapped)
    fits = total <= size_bytes(config.memory, free=free_bytes())
    if mapped and (device.type == "cpu" or not fits):
        return MappedReader(held, device, let_go=not fits)
    return ResidentReader({name: _floats(torch.as_tensor(field)) for name, field in fields.items()}, device)


def _held(field: Tensor | np.ndarray) -> Tensor | np.ndarray:
    """A mapped file as an array, everything else as a tensor."""
    if isinstance(field, Tensor):
        found = mapped_tensor(field)
        return field if found is None else found
    return field if is_mapped(field) else torch.as_tensor(field)


def _floats(field: Tensor) -> Tensor:
    # numpy makes doubles unasked, and a network of floats refuses them
    return field.float() if field.dtype == torch.float64 else field
