"""Rows of an environment: the seeds that its episodes begin from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sonde.core.acting import Environments
from sonde.core.seeds import derive

FIRST = {"validation": 1_000_000, "test": 2_000_000}  # seeds of evaluation; those of training are hashes
LIMIT = 2**31 - 1
TRAINED = 10_000_000  # least seed of training


@dataclass(frozen=True, kw_only=True)
class SeedRows:
    """The episodes of a split: as many as there are seeds, of training without end.

    make: an environment, which pickles;  encode: its observation -> array
    rendered: the same environment, that draws frames when it is asked to; None where it draws none, and `undrawn` says why
    step: seconds that one takes, and the share of them that a processor works: both 0 where that was not measured
    together: (how many, (number of the environment, of its seed) -> a seed) -> environments side by side, of what has such of its
              own; None for some of `make`
    frames: pictures that observations are made of, the newest last, all but one of which the observation before holds too
    clipped: whether rewards are learned from as -1, 0 and 1
    first: seed of the first episode of evaluation, another than the split's
    """

    make: Callable[[], Any]
    encode: Callable[[Any], np.ndarray]
    split: str
    number: int
    rendered: Callable[[], Any] | None = None
    undrawn: str = ""
    step: tuple[float, float] = (0.0, 0.0)
    together: Callable[[int, Callable[[int, int], int]], Environments] | None = None
    frames: int = 1
    clipped: bool = False
    first: int | None = None

    def __len__(self) -> int:
        return self.number

    def seeds(self) -> list[int]:
        """Those of evaluation."""
        first = FIRST[self.split] if self.first is None else self.first
        return list(range(first, first + self.number))

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """{"seed": (n,) int64}."""
        return {"seed": indices + FIRST.get(self.split, 0)}

    def describe(self, index: int) -> str:
        """Which episode it is."""
        return f"the episode of seed {FIRST.get(self.split, 0) + index}"

    def nbytes(self) -> int:
        """None are stored."""
        return 0


def action_seed(seed: int) -> int:
    """What a space is seeded by that draws actions for the episode of a seed.

    A space and its environment make the same numbers of the same seed: actions would be what the environment drew for itself.

    >>> action_seed(3) not in (3, action_seed(4))
    True
    """
    return derive(seed, "sample", "actions") % LIMIT


def training_seed(seed: int, environment: int, episode: int) -> int:
    """The seed of an episode that is trained on; never one of those that are evaluated.

    >>> training_seed(0, 0, 0) != training_seed(1, 0, 0)
    True
    """
    found = derive(seed, "sample", "episode", environment, episode) % LIMIT
    return found if found >= TRAINED else found + TRAINED
