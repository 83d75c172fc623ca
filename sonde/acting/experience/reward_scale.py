"""Rewards of a size that values are easily learned of, whatever an environment counts in."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


class RewardScale:
    """Divides rewards by the running standard deviation of their discounted sum since an episode began.

    A rollout counts before it is scaled, all of it by one number; before anything varied that is 1. Nothing is subtracted, and
    nothing cut off. Source: Engstrom et al. 2020, arXiv:2005.12729, section 3; Huang et al. 2022, of continuous actions detail 7
    """

    def __init__(self, count: int, discount: float) -> None:
        self._discount = discount
        self._sum = np.zeros(count)
        self._count, self._mean, self._squares = 0.0, 0.0, 0.0

    def begin(self) -> None:
        """Episodes begin in all environments."""
        self._sum = np.zeros_like(self._sum)

    @property
    def scale(self) -> float:
        """What rewards are divided by."""
        std = np.sqrt(self._squares / self._count) if self._count else 0.0
        return float(std) if std > 1e-8 else 1.0

    def scaled(self, reward: np.ndarray, ended: np.ndarray) -> np.ndarray:
        """(T, n) rewards of a rollout, and where episodes ended -> (T, n), after they were taken into the statistics."""
        sums = np.empty(reward.shape)
        for step in range(len(reward)):
            sums[step] = self._sum = self._sum * self._discount + reward[step]
            self._sum = np.where(ended[step], 0.0, self._sum)
        count, mean = float(sums.size), float(sums.mean())
        total, apart = self._count + count, mean - self._mean  # Chan et al. 1979, equation 2.1
        self._squares += float(np.square(sums - mean).sum()) + apart**2 * self._count * count / total
        self._mean += apart * count / total
        self._count = total
        return reward / self.scale

    def state_dict(self) -> dict[str, Any]:
        """Sums that go on, and the statistics."""
        return {"sum": torch.from_numpy(self._sum.copy()), "moments": [self._count, self._mean, self._squares]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put them back."""
        self._sum = state["sum"].cpu().numpy().copy()
        self._count, self._mean, self._squares = (float(each) for each in state["moments"])
