"""Observations as the networks of tasks that learn from a replay see them: kept raw, and scaled as they are drawn."""

from collections.abc import Callable

from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.bounds import flag
from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.nn.running_norm import RunningNorm


class ReplayedObservations:
    """By the mean and deviation of all that the environments of training showed so far, where that was asked for.

    Targets and networks see the same scaling, that of now, whenever a transition was met.

    parts:   what belongs to the modules of a task, by name
    learned: see `Acting.observed`; None where nothing is scaled
    """

    def __init__(self, input: InputSpec, *, scale: bool) -> None:
        """Raises: ConfigError for pictures that are to be scaled so"""
        if scale and input.has_planes:
            raise ConfigError(
                f"{flag('scale_observations')} has no effect on pictures, whose bytes are shares of white; leave it out"
            )
        self._norm = RunningNorm(input.shape) if scale else None
        self.parts: dict[str, nn.Module] = {} if self._norm is None else {"observations": self._norm}
        self.learned: Callable[[Tensor], None] | None = None if self._norm is None else self._norm.observe

    def __call__(self, seen: Tensor) -> Tensor:
        """(n, *shape) -> the same, scaled."""
        return seen if self._norm is None else self._norm(seen)

    def of(self, batch: Batch) -> Batch:
        """A batch of transitions, what followed too."""
        if self._norm is None:
            return batch
        scaled = {name: self._norm(batch[name]) for name in ("observation", "following")}
        return Batch({**batch.fields, **scaled}, batch.index)
