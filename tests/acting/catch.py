"""The smallest game that is seen in pixels and has to be learned: catch a ball that falls."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

SIDE = 10


class Catch(gymnasium.Env[np.ndarray, Any]):
    """A ball falls a row a step, from any column; a paddle in the last row moves by one. Caught it earns 1, missed -1.

    Who always catches it earns 1; who stays in the middle 1 in 10 episodes, and so -0.8.
    """

    observation_space = spaces.Box(0, 255, (SIDE, SIDE, 1), np.uint8)
    action_space = spaces.Discrete(3)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self._row, self._column, self._paddle = 0, int(self.np_random.integers(SIDE)), SIDE // 2
        return self._shown(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self._row += 1
        self._paddle = min(max(self._paddle + int(action) - 1, 0), SIDE - 1)
        over = self._row == SIDE - 1
        reward = 0.0 if not over else 1.0 if self._paddle == self._column else -1.0
        return self._shown(), reward, over, False, {}

    def _shown(self) -> np.ndarray:
        shown = np.zeros((SIDE, SIDE, 1), np.uint8)
        shown[self._row, self._column] = shown[SIDE - 1, self._paddle] = 255
        return shown
