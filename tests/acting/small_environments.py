"""Environments with known values, for the tests of acting."""

import os
import signal
import time
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils import EzPickle


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


class Pulled(Walk):
    """A walk by numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.action_space = spaces.Box(-2, 3, (1,), np.float64)  # type: ignore[assignment]


def _nothing(value: Any) -> Any:
    return None


class Broken(Exception):
    """What an environment of the tests raises."""


def _raises(value: Any) -> Any:
    raise Broken("a joint broke\nin two")


def _exits(value: Any) -> Any:
    raise SystemExit(0)


FAULTS: dict[str, tuple[int, Any, str]] = {
    # place in what step returns, -1 for all of it; what becomes of it; what is told
    "nan": (0, lambda seen: seen * np.nan, "step shows nan at entry 0 and 1 more; mend the environment"),
    "inf": (0, lambda seen: np.array([1, np.inf], np.float32), "step shows inf at entry 1; mend"),
    "shape": (0, lambda seen: seen[:1], r"step shows \(1,\), and its observation_space says \(2,\); mend one"),
    "column": (0, lambda seen: seen[:, None], r"step shows \(2, 1\), and its observation_space says \(2,\)"),
    "text": (0, lambda seen: np.array(["a", "b"]), "does not hold .text and not numbers.; mend one of them"),
    "ragged": (0, lambda seen: [1.0, [2.0]], "step shows what its observation_space does not hold"),
    "complex": (0, lambda seen: seen.astype(complex), "complex128 and not numbers"),
    "none": (0, _nothing, "object and not numbers"),
    "no reward": (
        1,
        _nothing,
        r"returned no reward \(None\), and without one there is nothing to learn; return a number",
    ),
    "reward nan": (1, lambda reward: float("nan"), "step returned the reward nan; mend"),
    "reward inf": (1, lambda reward: np.float32("-inf"), "step returned the reward -inf; mend"),
    "reward array": (1, lambda reward: np.zeros(3), r"a reward that is an array of shape \(3,\); return a number"),
    "reward text": (1, lambda reward: "1", r"a reward that is '1' \(a str\); return a number"),
    "terminated": (2, _nothing, "terminated that is None; return True or False"),
    "terminated number": (2, lambda over: 0.5, r"terminated that is 0.5 \(a float\); return True or False"),
    "truncated": (3, lambda cut: "no", r"truncated that is 'no' \(a str\); return True or False"),
    "info": (4, _nothing, "info that is None; return a dict"),
    "raises": (-1, _raises, r"step raised Broken: a joint broke \(small_environments.py:\d+\); mend the environment"),
    "exits": (-1, _exits, r"step raised SystemExit: 0 \(small_environments.py:\d+\); mend the environment"),
    "old": (
        -1,
        lambda found: (*found[:2], found[2], found[4]),
        "4 values, as gym once did .*; return observation, reward",
    ),
    "three": (-1, lambda found: found[:3], "step returned 3 values; return observation"),
    "bare": (-1, lambda found: found[0], r"step returned an array of shape \(2,\); return a tuple of observation"),
    "nothing": (-1, _nothing, "step returned None; return a tuple"),
}


class Faulty(gymnasium.Env[np.ndarray, Any]):
    """Right up to step `at` of all episodes together, and then one of `FAULTS`."""

    def __init__(self, fault: str, at: int) -> None:
        self.observation_space = spaces.Box(-1, 1, (2,), np.float32)
        self.action_space = spaces.Discrete(2)
        self._fault, self._left = fault, at

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), {}

    def step(self, action: Any) -> Any:
        self._left -= 1
        shown = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        found: Any = (shown, float(action), bool(self.np_random.random() < 0.2), False, {})
        if self._left:
            return found
        place, change, _ = FAULTS[self._fault]
        return change(found) if place < 0 else (*found[:place], change(found[place]), *found[place + 1 :])


class Sharing(gymnasium.Env[np.ndarray, Any]):
    """All of its kind show one array, which each step writes to, and write to the action that they are given."""

    SHOWN = np.zeros(2, np.float32)

    def __init__(self) -> None:
        self.observation_space = spaces.Box(-np.inf, np.inf, (2,), np.float32)
        self.action_space = spaces.Box(-1, 1, (1,), np.float32)
        self._steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self._steps = 0
        self.SHOWN[:] = seed or 0, 0
        return self.SHOWN, {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self._steps += 1
        self.SHOWN[:] = self._steps, action[0]
        action[:] = 99
        return self.SHOWN, 0.0, self._steps == 3, False, {}


def seed_of(number: int, episode: int) -> int:
    """Seeds of episodes, as sources take them."""
    return 100 * number + episode


class Ending(Walk):
    """Ends its process, or never returns, in the second step of its third's first episode."""

    how = "kill"

    def step(self, action: Any) -> Any:
        if self._steps == 1 and self.np_random_seed == 200:
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            elif self.how == "exit":
                os._exit(3)
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])  # as compiled code does, which no signal ends
            time.sleep(60)
        return super().step(action)


class Wander(Walk):
    """A walk without an end."""

    def __init__(self) -> None:
        super().__init__()
        self.played = 0  # steps since it was made

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.played += 1
        shown, reward, *_ = super().step(action)
        return shown, reward, False, False, {}


class Anew(Wander, EzPickle):
    """Copies of it are made by its constructor, wherever it stands."""

    def __init__(self) -> None:
        EzPickle.__init__(self)
        Wander.__init__(self)


class Held(Wander):
    """Cannot be copied."""

    def __init__(self) -> None:
        super().__init__()
        self.held = (each for each in ())
