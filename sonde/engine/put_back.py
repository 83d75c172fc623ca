"""Looking at the first batch of a source that cannot be rewound: it is put back, and trained on first."""

from collections.abc import Iterator, Mapping
from typing import Any

from sonde.core.batch import Batch
from sonde.core.errors import DataError
from sonde.core.seams import Source, ends


class PutBack:
    """A source as it was before one batch was looked at: that batch comes first, the rest of its epoch after it."""

    rewinds = False

    def __init__(self, source: Source) -> None:
        """Draws one batch. Raises: DataError when there is none"""
        self.source = source
        self._before: Mapping[str, Any] | None = source.state_dict()
        self._coming: Iterator[Batch] | None = iter(source)
        batch = next(self._coming, None)
        if batch is None:
            raise DataError("the training data yielded no batch")
        self.first: Batch = batch

    @property
    def batches(self) -> int | None:
        """Per epoch."""
        return self.source.batches

    @property
    def ends(self) -> bool:
        """Whether an epoch comes to an end."""
        return ends(self.source)

    @property
    def epoch(self) -> int:
        """0-based, of the batch to come."""
        return self.source.epoch

    def __iter__(self) -> Iterator[Batch]:
        """The rest of this epoch, from the batch that was put back on."""
        if self._coming is None:
            yield from self.source
            return
        coming, self._coming, self._before = self._coming, None, None
        yield self.first
        yield from coming

    def describe(self, index: int) -> str:
        """Where a row came from."""
        return self.source.describe(index)

    def state_dict(self) -> dict[str, Any]:
        """The position of the last batch consumed; the one that was looked at is not."""
        return self.source.state_dict() if self._before is None else dict(self._before)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved position; what was looked at is forgotten."""
        self._coming = self._before = None
        self.source.load_state_dict(state)
