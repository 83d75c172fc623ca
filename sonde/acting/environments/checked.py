"""An environment whose answers are checked: what is wrong with one is an error of one line that says where it happened."""

import traceback
from collections.abc import Callable
from math import isfinite
from pathlib import Path
from typing import Any

import numpy as np

from sonde.acting.environments.snapshots import pack, unpack
from sonde.core.bounds import flag
from sonde.core.errors import DataError, SondeError, first_line

FIVE = "observation, reward, terminated, truncated, info"


class Hangs(BaseException):
    """Raised inside a call that takes too long (see `watchdog`); no environment's `except Exception` catches it."""


class Checked:
    """An environment of gymnasium's that shows arrays as networks see them.

    env:    the environment;  encode: its observation -> array. Raises: ValueError for one that its space does not hold
    shape:  of the arrays;  name: of the environment, for errors;  timeout: seconds that a step or reset may take, 0 for any time
    number: of those that stand side by side, where it is one of several
    longest: steps after which an episode is cut off, whatever the environment does: one that is put back from a snapshot may know
             of no limit yet, since a run may be resumed with another
    alone:  whether it looks itself for numbers that are not finite: whoever steps many does so for all of them together
    busy:   whether it is being called;  calls: how often it was
    shown:  the last observation as the environment showed it, which may write to it in its next step
    """

    def __init__(
        self,
        env: Any,
        encode: Callable[[Any], np.ndarray],
        *,
        shape: tuple[int, ...],
        name: str,
        timeout: float = 0.0,
        longest: int | None = None,
    ) -> None:
        self._env, self._encode, self._shape = env, encode, shape
        self.name, self.timeout, self._longest = name, timeout, longest
        self.number: int | None = None
        self.seed: int | None = None
        self.steps = 0  # of this episode
        self.busy, self.calls = False, 0
        self.alone = True
        self.shown: Any = None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_env":  # of a copy that is being made
            raise AttributeError(name)
        return getattr(self._env, name)

    def reset(self, *, seed: int | None = None) -> tuple[np.ndarray, dict[str, Any]]:
        """(first observation, info). Raises: DataError"""
        self.seed, self.steps = seed, 0
        self.calls += 1
        self.busy = True
        try:
            answer = self._env.reset(seed=seed)
        except (Exception, SystemExit, Hangs) as error:
            raise self._raised("reset", error) from error
        self.busy = False
        if not isinstance(answer, tuple) or len(answer) != 2 or not isinstance(answer[1], dict):
            raise self.fault(
                f"reset returned {_words(answer)}; return a tuple of observation and info, which is a dict"
            )
        return self._array(answer[0], "reset"), answer[1]

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        """(observation, reward, terminated, truncated, info). Raises: DataError"""
        self.steps += 1
        self.calls += 1
        if type(action) is np.ndarray:
            action = action.copy()  # an environment may write to it
        self.busy = True
        try:
            answer = self._env.step(action)
        except (Exception, SystemExit, Hangs) as error:
            raise self._raised("step", error) from error
        self.busy = False
        if type(answer) is not tuple or len(answer) != 5:
            raise self.fault(_not_five(answer))
        shown, reward, over, cut, info = answer
        if type(reward) is not float:
            reward = self._reward(reward)
        if not isfinite(reward):
            raise self.fault(f"step returned the reward {reward}; mend the environment")
        if type(over) is not bool:
            over = self._flag(over, "terminated")
        if type(cut) is not bool:
            cut = self._flag(cut, "truncated")
        if self._longest is not None and self.steps >= self._longest:
            cut = True
        if not isinstance(info, dict):
            raise self.fault(f"step returned info that is {_words(info)}; return a dict")
        return self._array(shown, "step"), reward, over, cut, info

    def close(self) -> None:
        """Close the environment."""
        self._env.close()

    def pack(self) -> bytes:
        """The environment as it stands. Raises: whatever its class raises where it cannot be packed"""
        return pack((self._env, self.seed, self.steps))

    def unpack(self, packed: bytes) -> None:
        """Stand where another stood. Raises: whatever its class raises"""
        self._env, self.seed, self.steps = unpack(packed, self._env)

    def copy_of(self, packed: bytes) -> "Checked":
        """Another that stands where one stood. Raises: as `unpack`"""
        found = Checked(self._env, self._encode, shape=self._shape, name=self.name, longest=self._longest)
        found.unpack(packed)
        return found

    def _array(self, shown: Any, where: str) -> np.ndarray:
        self.shown = shown
        try:
            seen = self._encode(shown)
        except Exception as error:  # whatever the code of a space meets in what it does not hold
            why = first_line(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {first_line(error)}"
            raise self.fault(
                f"{where} shows what its observation_space does not hold ({why}); mend one of them"
            ) from error
        if seen.shape != self._shape:
            planes = len(self._shape) == 3  # whose channels the environment may have last
            raise self.fault(
                f"{where} shows {np.shape(shown) if planes else seen.shape}, and its observation_space says "
                f"{self._env.observation_space.shape if planes else self._shape}; mend one of them"
            )
        if self.alone or where == "reset":
            self.check_finite(seen, where)
        return seen

    def check_finite(self, seen: np.ndarray, where: str = "step") -> None:
        """Raises: DataError for what holds a number that is not finite"""
        if not finite(seen):
            flat = seen.ravel()
            first, *others = np.flatnonzero(~np.isfinite(flat)).tolist()
            more = f" and {len(others)} more" if others else ""
            raise self.fault(f"{where} shows {flat[first]} at entry {first}{more}; mend the environment")

    def _reward(self, reward: Any) -> float:
        try:
            whole = np.asarray(reward)
            if whole.size == 1 and whole.dtype.kind in "fiub":
                return float(whole.item())
        except (TypeError, ValueError):
            pass  # told below, as all else that is no number
        if reward is None:
            raise self.fault(
                "step returned no reward (None), and without one there is nothing to learn; return a number"
            )
        raise self.fault(f"step returned a reward that is {_words(reward)}; return a number")

    def _flag(self, value: Any, name: str) -> bool:
        if (
            isinstance(value, bool | np.bool_ | int | np.integer | np.ndarray)
            and np.size(value) == 1
            and value in (0, 1)
        ):
            return bool(value)
        raise self.fault(f"step returned {name} that is {_words(value)}; return True or False")

    def _raised(self, where: str, error: BaseException) -> Exception:
        self.busy = False
        if isinstance(error, Hangs):
            return self.hung()
        if isinstance(error, SondeError | MemoryError):
            return error
        told = f"{type(error).__name__}: {first_line(error)}" if str(error) else type(error).__name__
        if where == "reset" and isinstance(error, TypeError) and "'seed'" in str(error):
            return self.fault(
                "reset takes no seed; give it gymnasium's parameters: def reset(self, *, seed=None, options=None)"
            )
        return self.fault(f"{where} raised {told}{_place(error)}; mend the environment (--debug shows more)")

    def hung(self) -> DataError:
        """The error of a call that takes too long."""
        return self.fault(
            f"no answer in {self.timeout:g} seconds; {flag('environment_timeout')} allows longer, 0 any time"
        )

    def fault(self, what: str) -> DataError:
        """The error of what is wrong here."""
        which = "" if self.number is None else f"environment {self.number}, "
        return DataError(f"{self.name}: {which}seed {self.seed}, step {self.steps}: {what}")


def finite(seen: np.ndarray) -> bool:
    """Whether all numbers are finite."""
    return seen.dtype == np.uint8 or 0 not in np.isfinite(seen).tobytes()  # half of the time that all() takes


def _place(error: BaseException) -> str:
    """Where in somebody's own code it was raised."""
    frames = traceback.extract_tb(error.__traceback__)[1:]  # the first is here
    own = [frame for frame in frames if "site-packages" not in frame.filename]
    return f" ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else ""


def _not_five(answer: Any) -> str:
    if isinstance(answer, tuple) and len(answer) == 4:
        return f"step returned 4 values, as gym once did (observation, reward, done, info); return {FIVE}"
    if isinstance(answer, tuple):
        return f"step returned {len(answer)} values; return {FIVE}"
    return f"step returned {_words(answer)}; return a tuple of {FIVE}"


def _words(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    text = repr(value)
    return f"{text[:40]} (a {type(value).__name__})"
