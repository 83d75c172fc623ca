"""Environments with known values, for the tests of acting."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Corridor(gymnasium.Env[np.ndarray, Any]):
    """A walk along `length` places: each step earns 1; the last one ends it by the rules, or cuts it off."""

    def __init__(self, length: int = 3, *, cut: bool = False) -> None:
        self.observation_space = spaces.Box(0, 1, (length + 1,), np.float32)
        self.action_space = spaces.Discrete(2)
        self._length, self._cut, self._place = length, cut, 0
        self.seeds: list[int | None] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.seeds.append(seed)
        self._place = 0
        return self._shown(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self._place += 1
        over = self._place == self._length
        return self._shown(), 1.0, over and not self._cut, over and self._cut, {}

    def _shown(self) -> np.ndarray:
        return np.eye(self._length + 1, dtype=np.float32)[self._place]


class Walk(gymnasium.Env[np.ndarray, Any]):
    """A random walk whose noise is the environment's own, so that only its seed and the actions tell where it stands."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-np.inf, np.inf, (1,), np.float32)
        self.action_space = spaces.Discrete(2)
        self._place, self._steps = 0.0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self._place, self._steps = float(self.np_random.normal()), 0
        return np.array([self._place], np.float32), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self._place += float(self.np_random.normal()) + (1 if action else -1)
        self._steps += 1
        return np.array([self._place], np.float32), self._place, abs(self._place) > 4, self._steps == 9, {}
