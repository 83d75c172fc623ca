"""What episodes return while training goes on, and what was met at all."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from sonde.core.acting import Acting, Transition

RANGES = ("reward", "return", "length")


class Counts:
    """Returns and lengths of the last 100 episodes that ended while training, and what was met since the beginning."""

    LATELY = 100

    def __init__(self, count: int) -> None:
        self._return, self._length = np.zeros(count), np.zeros(count)
        self._ended: list[tuple[float, float]] = []
        self._episodes = 0
        self._range: dict[str, list[float]] = {name: [math.inf, -math.inf] for name in RANGES}
        self._first: np.ndarray | None = None  # what was shown first, until something else was
        self._differ = False

    def add(self, found: Transition) -> None:
        """Take a step of each environment."""
        reward, ended = found.counted
        self._return += reward
        self._length += 1
        self._met("reward", reward)
        if not self._differ:
            self._compare(found.following)
        if ended.any():
            self._met("return", self._return[ended])
            self._met("length", self._length[ended])
            self._episodes += int(ended.sum())
            self._ended += zip(self._return[ended].tolist(), self._length[ended].tolist(), strict=True)
            self._ended = self._ended[-self.LATELY :]
            self._return[ended] = self._length[ended] = 0

    def drop(self) -> None:
        """Forget episodes that go on: others begin."""
        self._return[:] = self._length[:] = 0

    def _met(self, name: str, values: np.ndarray) -> None:
        known, plain = self._range[name], values.tolist()  # of few numbers quicker than as an array
        known[0], known[1] = min(known[0], *plain), max(known[1], *plain)

    def _compare(self, shown: np.ndarray) -> None:
        self._first = shown[0].copy() if self._first is None else self._first
        self._differ = bool((shown != self._first).any())

    @property
    def figures(self) -> dict[str, float]:
        """How many episodes ended; the lowest and highest reward, and return and length of an episode, so far; whether all
        observations were the same (1); the mean return and length of the last episodes, or before one ended the steps of the
        longest that goes on."""
        found = {"episodes": float(self._episodes), "observations_alike": float(not self._differ)}
        for name, (lowest, highest) in self._range.items():
            if lowest <= highest:
                found |= {f"{name}_lowest": lowest, f"{name}_highest": highest}
        if self._ended:
            means = np.mean(self._ended, 0)
            found |= {"train_return": float(means[0]), "train_length": float(means[1])}
        if not self._episodes:
            found["length_going"] = float(self._length.max())
        return found

    def state_dict(self) -> dict[str, Tensor]:
        """The sums of episodes that go on, the last that ended, and what was met since the beginning."""
        return {
            "return": torch.from_numpy(self._return.copy()),  # which are added to in place
            "length": torch.from_numpy(self._length.copy()),
            "ended": torch.tensor(self._ended, dtype=torch.float64).view(-1, 2),
            "episodes": torch.tensor(self._episodes),
            "ranges": torch.tensor([self._range[name] for name in RANGES], dtype=torch.float64),
            "differ": torch.tensor(self._differ),
            "first": torch.empty(0) if self._first is None else torch.from_numpy(self._first),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Put them back."""
        self._return, self._length = state["return"].clone().numpy(), state["length"].clone().numpy()
        self._ended = [(float(a), float(b)) for a, b in state["ended"].tolist()]
        self._episodes, self._differ = int(state["episodes"]), bool(state["differ"])
        self._range = dict(zip(RANGES, state["ranges"].tolist(), strict=True))
        self._first = state["first"].clone().numpy() if state["first"].numel() else None


def figures_of(acting: Acting) -> Mapping[str, float]:
    """Those of a task for the log."""
    return {} if acting.figures is None else acting.figures()
