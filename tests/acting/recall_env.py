"""An environment for policies that remember: what was shown first is asked for last."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

STEPS = 4


class Recall(gymnasium.Env[np.ndarray, Any]):
    """Shows -1 or 1 once, then nothing; the last action earns 1 where it says which it was. Without memory that is a half."""

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-1, 1, (2,), np.float32)
        self.action_space = spaces.Discrete(2)
        self._cue, self._step = 0, 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self._cue, self._step = int(self.np_random.integers(2)), 0
        return np.array([2 * self._cue - 1, 0], np.float32), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self._step += 1
        over = self._step == STEPS
        shown = np.array([0, self._step / STEPS], np.float32)
        return shown, float(over and action == self._cue), over, False, {}


gymnasium.register("Recall-v0", entry_point=Recall)  # type: ignore[arg-type]
