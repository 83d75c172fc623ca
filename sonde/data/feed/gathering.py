"""Sequences in memory: a batch is what its rows say, padded to the longest of them."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from sonde.core.dataset import Rows
from sonde.data.feed.pack import as_tensor
from sonde.data.feed.resident import to_device


class GatheringReader:
    """Reads each batch from rows whose reading is a gather from memory (`sonde.data.rows.Sequences`)."""

    warnings = ()

    def __init__(self, rows: Rows, device: torch.device) -> None:
        self._rows, self._device = rows, device

    def read(self, batches: Sequence[Tensor]) -> Iterator[dict[str, Tensor]]:
        """Fields of each batch on the device, as wide as its longest row."""
        for rows in batches:
            fields = {name: as_tensor(name, array) for name, array in self._rows.read(rows.numpy()).items()}
            if self._device.type != "cpu":
                fields = {name: to_device(field, self._device) for name, field in fields.items()}
            yield fields
