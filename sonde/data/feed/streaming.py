"""Rows read batch by batch, ahead of need, by worker processes; or inline with none."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from sonde.core.dataset import Rows
from sonde.core.errors import DataError
from sonde.data.feed.layout import cores
from sonde.data.feed.pack import as_tensor
from sonde.data.feed.pool import WorkerPool
from sonde.data.feed.resident import to_device

MOST_WORKERS = 4  # chosen by itself; more may be typed


class StreamingReader:
    """Reads what is requested and keeps nothing; of sequences a batch is as wide as its longest row.

    batch_size: rows of the largest batch
    workers:    processes; 0 reads in this process
    persistent: keep the processes between epochs; otherwise they end, and their memory is freed, with each
    """

    def __init__(
        self, rows: Rows, device: torch.device, *, batch_size: int, workers: int = 0, persistent: bool = False
    ) -> None:
        self.workers = workers
        self.warnings: list[str] = []
        self._rows, self._device, self._batch_size, self._persistent = rows, device, batch_size, persistent
        self._pool: WorkerPool | None = None

    @property
    def processes(self) -> list[int]:
        """Process ids of the workers that run now."""
        return self._pool.processes if self._pool else []

    def read(self, batches: Sequence[Tensor]) -> Iterator[dict[str, Tensor]]:
        """Fields of each batch on the device.

        Raises: DataError for rows that cannot be read, and when workers keep dying
        """
        if not batches:
            return
        if not self.workers:
            for rows in batches:
                read = self._rows.read(rows.numpy())
                yield {name: to_device(as_tensor(name, array), self._device) for name, array in read.items()}
            return
        if self._pool is None:
            self._pool = WorkerPool(
                self._rows, batch_size=self._batch_size, workers=self.workers, warnings=self.warnings
            )
        try:
            for arrays in self._pool.read([rows.numpy() for rows in batches]):
                yield {name: self._copied(array) for name, array in arrays.items()}
        except DataError:
            self.close()
            raise
        finally:
            if not self._persistent:
                self.close()

    def _copied(self, array: np.ndarray) -> Tensor:
        """Out of the shared memory, which is written again while the batch is still in use."""
        shared = torch.from_numpy(array)
        return to_device(shared, self._device) if self._device.type == "cuda" else shared.clone().to(self._device)

    def close(self) -> None:
        """End the worker processes; reading again starts new ones."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None


def choose_workers(requested: int | None, batches: int) -> int:
    """Processes for an epoch of `batches`: as given, or one a core up to `MOST_WORKERS`; never more than batches."""
    return min(batches, min(MOST_WORKERS, cores()) if requested is None else requested)
