"""What episodes return while training goes on."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor


class Counts:
    """Returns and lengths of episodes while training: those of the last 100 that ended."""

    LATELY = 100

    def __init__(self, count: int) -> None:
        self._return, self._length = np.zeros(count), np.zeros(count)
        self._ended: list[tuple[float, float]] = []

    def add(self, reward: np.ndarray, ended: np.ndarray) -> None:
        """Take a step of each environment."""
        self._return += reward
        self._length += 1
        if ended.any():
            self._ended += zip(self._return[ended].tolist(), self._length[ended].tolist(), strict=True)
            self._ended = self._ended[-self.LATELY :]
            self._return[ended] = self._length[ended] = 0

    def drop(self) -> None:
        """Forget episodes that go on: others begin."""
        self._return[:] = self._length[:] = 0

    @property
    def figures(self) -> dict[str, float]:
        """Their means; nothing before the first episode ended."""
        if not self._ended:
            return {}
        means = np.mean(self._ended, 0)
        return {"train_return": float(means[0]), "train_length": float(means[1])}

    def state_dict(self) -> dict[str, Tensor]:
        """The sums of episodes that go on, and the last that ended."""
        ended = torch.tensor(self._ended, dtype=torch.float64).view(-1, 2)
        return {"return": torch.from_numpy(self._return), "length": torch.from_numpy(self._length), "ended": ended}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Put them back."""
        self._return, self._length = state["return"].clone().numpy(), state["length"].clone().numpy()
        self._ended = [(float(a), float(b)) for a, b in state["ended"].tolist()]
