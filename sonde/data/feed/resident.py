"""All rows in memory as tensors: a batch is one gather per field."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from sonde.core.dataset import Rows
from sonde.core.errors import DataError
from sonde.core.progress import Tick, silent
from sonde.data.feed.layout import held
from sonde.data.feed.pack import as_tensor, pack


class ResidentReader:
    """Gathers batches from tensors (n, …) that share their first dimension.

    places: (rows of the split,) int64, where in the tensors each row stands; None where they stand in order
    Raises: DataError when the tensors differ in length
    """

    warnings = ()

    def __init__(self, fields: Mapping[str, Tensor], device: torch.device, *, places: Tensor | None = None) -> None:
        check_lengths(fields)
        self._device = device
        self._storage = storage_device(fields, device)
        if places is not None and self._storage.type != "cpu":
            # several splits may share the host's arrays; the device gets the rows of this one
            fields = {name: field.index_select(0, places) for name, field in fields.items()}
            places = None
        self._places = places
        self._fields = {name: _stored(field.to(self._storage)) for name, field in fields.items()}

    def read(self, batches: Sequence[Tensor]) -> Iterator[dict[str, Tensor]]:
        """Fields of each batch on the device."""
        for rows in batches:
            where = rows if self._places is None else self._places.index_select(0, rows)
            if self._storage.type != "cpu":
                where = where.to(self._storage, non_blocking=True)
            batch = {name: _gather(field, order, where) for name, (field, order) in self._fields.items()}
            if self._storage != self._device:
                batch = {name: to_device(field, self._device) for name, field in batch.items()}
            yield batch

    def held(self) -> dict[str, Tensor]:
        """Its tensors, a row for each of the split; nothing where several splits share them."""
        if self._places is not None:
            return {}
        return {name: field if turn is None else field.permute(turn) for name, (field, turn) in self._fields.items()}


def resident_reader(
    rows: Rows, chosen: Tensor, device: torch.device, *, label: str = "", tick: Tick = silent
) -> ResidentReader:
    """A reader over the rows `chosen` (sorted, int64) of a split, packed now; rows already in memory are used as they are.

    Raises: DataError naming the file of a row that cannot be read
    """
    found = held(rows)
    if found is not None:
        arrays, selection = found
        places = None if selection is None else torch.from_numpy(np.ascontiguousarray(selection, dtype=np.int64))
        return ResidentReader({name: as_tensor(name, array) for name, array in arrays.items()}, device, places=places)
    fields = pack(rows, chosen.numpy(), label=label, tick=tick)
    places = None
    if len(chosen) < len(rows):
        places = torch.full((len(rows),), -1)
        places[chosen] = torch.arange(len(chosen))
    return ResidentReader(fields, device, places=places)


def to_device(field: Tensor, device: torch.device) -> Tensor:
    """A host tensor on `device`; through pinned memory to CUDA, so that the copy runs while the host goes on."""
    return (field.pin_memory() if device.type == "cuda" else field).to(device, non_blocking=True)


def storage_device(fields: Mapping[str, Tensor], device: torch.device) -> torch.device:
    """Where the rows are held: the device, unless they would fill more than half of what a GPU has free."""
    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        if sum(field.nbytes for field in fields.values()) > free / 2:
            return torch.device("cpu")
    return device


def check_lengths(fields: Mapping[str, Tensor | np.ndarray]) -> None:
    """Raises: DataError when tensors or arrays differ in their number of rows"""
    lengths = {name: len(field) for name, field in fields.items()}
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} has {rows:,}" for name, rows in lengths.items())
        raise DataError(f"fields differ in their number of rows: {counts}; give one row of each per example")


def _stored(field: Tensor) -> tuple[Tensor, tuple[int, ...] | None]:
    """A field in the order of axes in which its memory is contiguous, and the permutation back to the original order.

    Pixels that stand as height, width, channels, seen as channels, height, width, would be gathered byte by byte otherwise.
    """
    if field.is_contiguous():
        return field, None
    order = sorted(range(field.ndim), key=lambda axis: -field.stride(axis))
    turned = field.permute(order)
    if order[0] != 0 or not turned.is_contiguous():
        return field.contiguous(), None
    return turned, tuple(order.index(axis) for axis in range(field.ndim))


def _gather(field: Tensor, order: tuple[int, ...] | None, where: Tensor) -> Tensor:
    rows = field.index_select(0, where)
    return rows if order is None else rows.permute(order)
