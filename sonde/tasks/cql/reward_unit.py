"""What rewards of a log are divided by before values are learned from them, so that being conservative means the same whatever
they count in."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from torch import Tensor

from sonde.core.batch import Batch


class RewardUnit:
    """The root mean square of the log's rewards that are not 0: 1 where each is 0, 1 or -1, and until it is known.

    Equation 4 of Kumar et al. 2020 adds what it holds values down by to squared errors of values: the first stays the same
    whatever rewards count in, and the second do not, so that rewards in thousands leave nothing of the first.
    """

    def __init__(self) -> None:
        self.size = 1.0

    def know(self, read: Callable[[], Iterable[Batch]]) -> None:
        """Take it from batches of `reward`, (n,) or (n, steps) with that of the step itself first."""
        squares, count = 0.0, 0
        for batch in read():
            own = batch["reward"].double()
            own = own if own.dim() == 1 else own[:, 0]
            squares += float(own.square().sum())
            count += int((own != 0).sum())
        self.size = (squares / count) ** 0.5 if squares else 1.0

    def learned(self, reward: Tensor) -> Tensor:
        """As values are learned from."""
        return reward / self.size

    def told(self, value: Tensor) -> Tensor:
        """A value as a person counts it, in rewards of the log."""
        return value * self.size

    def state_dict(self) -> dict[str, Any]:
        """What it is."""
        return {"reward_unit": self.size}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back. Runs of before there was one learned from rewards as they are, and go on so."""
        self.size = float(state.get("reward_unit", 1.0))
