"""The source of batches: walks the order, keeps the position, and finishes what a reader brings."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.seeds import derive
from sonde.data.feed.order import Order

Augment = Callable[[Batch, torch.Generator], Batch]
"""Changes a batch of raw fields, drawing from the given generator alone."""

Prepared = Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
"""Raw (perhaps augmented) fields -> what the network is fed; see `normalise.Normalise`."""


class Ordered(Protocol):
    """Which rows each batch of each epoch holds: `sonde.data.feed.order.Order`, or `sonde.modalities.text.windows.Streams`.

    rows, batches: of an epoch
    batches_of:    (rows of the batch,) int64 of each batch of an epoch
    """

    @property
    def rows(self) -> int: ...
    @property
    def batches(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def seed(self) -> int: ...
    def batches_of(self, epoch: int) -> Sequence[Tensor]: ...


class Reader(Protocol):
    """Brings the raw fields of batches.

    warnings: what went wrong on the way and was mended, such as a worker that died and was started again
    """

    @property
    def warnings(self) -> Sequence[str]: ...
    def read(self, batches: Sequence[Tensor]) -> Iterator[Mapping[str, Tensor]]:
        """Fields of each batch of rows, in order, on the device; valid until the next is requested."""
        ...


class BatchSource:
    """A `Source` (sonde.core.seams): order and results depend on the order and its seed, never on the reader."""

    def __init__(
        self,
        order: Ordered,
        reader: Reader,
        *,
        describe: Callable[[int], str],
        prepare: Prepared = dict,
        augment: Augment | None = None,
    ) -> None:
        self.order, self.reader = order, reader
        self._describe, self._prepare, self._augment = describe, prepare, augment
        self._generator = torch.Generator()  # reseeded for every batch
        self._epoch = self._position = 0
        self._turn = 0  # counts iterators: only the newest may move the position

    @property
    def batches(self) -> int:
        """Batches per epoch."""
        return self.order.batches

    @property
    def augmented(self) -> bool:
        """Whether rows are changed at random before they are trained on."""
        return self._augment is not None

    @property
    def epoch(self) -> int:
        """0-based epoch of the batch to come."""
        return self._epoch + (self._position >= self.batches)

    @property
    def warnings(self) -> Sequence[str]:
        """What was mended on the way, in words."""
        return self.reader.warnings

    def __iter__(self) -> Iterator[Batch]:
        """The rest of this epoch. Raises: DataError for rows that cannot be read."""
        self._turn += 1
        turn, epoch = self._turn, self._epoch
        index = self.order.batches_of(epoch)
        for raw in self.reader.read(index[self._position :]):
            if turn != self._turn:
                raise RuntimeError("an iterator of a source was used after a newer one was made or a state loaded")
            position = self._position
            batch = self._finish(raw, index[position], epoch, position)
            self._position = position + 1
            yield batch
        if turn == self._turn:
            self._epoch, self._position = epoch + 1, 0

    def _finish(self, raw: Mapping[str, Tensor], index: Tensor, epoch: int, position: int) -> Batch:
        if self._augment is not None:
            self._generator.manual_seed(derive(self.order.seed, "augment", epoch, position))
            raw = self._augment(Batch(raw, index), self._generator).fields
        return Batch(self._prepare(raw), index)

    def describe(self, index: int) -> str:
        """Where row `index` came from."""
        return self._describe(index)

    def state_dict(self) -> dict[str, Any]:
        """The position of the last batch consumed, and what it refers to."""
        return {"epoch": self._epoch, "position": self._position, "batches": self.batches, **self._fixed()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved position.

        Raises: ConfigError when it belongs to other rows, batches or seed; among them those of earlier versions, which do not say
                how many batches an epoch had, where it ended with a batch of one row
        """
        for name, now in self._fixed().items():
            if state[name] != now:
                what = {"rows": "training rows", "batch_size": "--batch-size", "seed": "--seed"}[name]
                raise ConfigError(
                    f"the saved position in the data was taken with {what} {state[name]:,}, and now it is {now:,}; resume "
                    "with the same, or restart with --fresh"
                )
        if "batches" not in state and isinstance(self.order, Order) and self.order.joins_last:
            raise ConfigError(
                f"the saved position in the data is of a version whose epochs of these rows had {self.batches + 1:,} batches, "
                "the last of one row; that row now joins the batch before; resume with that version, or restart with --fresh"
            )
        self._epoch, self._position = int(state["epoch"]), int(state["position"])
        self._turn += 1

    def _fixed(self) -> dict[str, int]:
        return {"rows": self.order.rows, "batch_size": self.order.batch_size, "seed": self.order.seed}
