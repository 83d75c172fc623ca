"""Transitions that are drawn the more often, the further off their value was when they were last learned from."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from sonde.acting.experience.sum_tree import SumTree

LEAST = 1e-6  # error of a transition that was learned perfectly, which is still drawn (epsilon of section 3.3)


class Priorities:
    """Of the transitions of a `Ring`. Source: Schaul et al. 2016, arXiv:1511.05952, section 3.3 (proportional) and 3.4

    A transition is drawn in proportion to |error|^exponent; a new one has the largest there ever was.
    capacity, count: steps of each environment that are kept, and environments;  steps: that must be known to follow a transition
    """

    def __init__(self, capacity: int, count: int, *, exponent: float, steps: int) -> None:
        self._capacity, self._count, self._exponent, self._steps = capacity, count, exponent, steps
        self._tree = SumTree(capacity * count)
        self._largest = 1.0

    def added(self, written: int) -> None:
        """The ring has taken the last of so many steps: one transition of each environment can be drawn now, another is lost."""
        every = np.arange(self._count)
        self._tree.set((written - 1) % self._capacity * self._count + every, 0.0)
        known = written - 1 - self._steps
        if known >= 0:
            self._tree.set(known % self._capacity * self._count + every, self._largest)

    def draw(self, number: int, written: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(steps, environments), each (number,): one of each of so many equal parts of all priorities (appendix B.2.1)."""
        points = (np.arange(number) + random.random(number)) * (self._tree.total / number)
        place, env = np.divmod(self._tree.find(points), self._count)
        return written - 1 - (written - 1 - place) % self._capacity, env

    def weights(self, first: np.ndarray, envs: np.ndarray, correction: float) -> np.ndarray:
        """(n,) float32 to weight losses by, at most 1: (1 / N P(i))^correction over the largest of them (section 3.4)."""
        priority = self._tree.weights[self._places(first, envs)]
        return ((priority.min() / priority) ** correction).astype(np.float32)

    def learned(self, index: np.ndarray, errors: np.ndarray) -> None:
        """Take what transitions were off by. index: (n,) step * environments + environment;  errors: (n,)"""
        priority = (np.abs(errors.astype(np.float64)) + LEAST) ** self._exponent
        priority = np.where(np.isfinite(priority), priority, self._largest)  # of a step that was not taken
        self._largest = max(self._largest, float(priority.max()))
        self._tree.set(self._places(*np.divmod(index, self._count)), priority)

    def _places(self, first: np.ndarray, envs: np.ndarray) -> np.ndarray:
        return first % self._capacity * self._count + envs

    def state_dict(self) -> dict[str, Any]:
        """All priorities."""
        return {"weights": torch.from_numpy(self._tree.weights.copy()), "largest": self._largest}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put them back."""
        self._tree.set(np.arange(self._tree.size), state["weights"].numpy())
        self._largest = float(state["largest"])
