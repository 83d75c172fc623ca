"""Playing an environment without learning: by random, constant and random linear actions, from stated seeds, for a limited time.

What is met on the way is kept: observations, rewards, and whatever is not as it should be.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from sonde.acting.environments.spaces_that_lie import lie
from sonde.acting.seeds import action_seed
from sonde.core.errors import DataError, first_line

FIRST_SEED = 3_000_000  # of inspection: none of training, validation or test
REWARD = "not-finite-rewards"  # name of the finding
LONGEST, LONG = 10_000, 1_000_000  # steps of an episode; of random actions, which may take their time to come to an end
KEPT = 2_000  # observations, and
KEPT_BYTES = 64 * 2**20
EPISODES = 50  # of random actions, at most
FRESH = 20  # episodes of constant actions, and of the best linear policy
POLICIES, FINALISTS, MORE = 100, 10, 3  # linear policies; of which the best of one episode play so many more
MOST_NUMBERS = 2_000  # of an observation: of more, such as pixels, no linear policy is tried
CONSTANTS = 18  # actions that are tried alone

Policy = Callable[[np.ndarray], Any]


class Fault(NamedTuple):
    """Something that is not as it should be: name of the finding, what was seen first, how often, and whether an episode can go
    on with it."""

    name: str
    said: str
    times: int = 1
    usable: bool = True


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What a policy returned.

    returns, lengths: of the episodes that ended;  left: steps of the one that was left before its end, 0 where there is none
    """

    policy: str
    returns: Sequence[float]
    lengths: Sequence[int]
    left: int = 0


class Survey:
    """An environment that is played.

    env: an environment of gymnasium's;  encode: its observation -> array;  source: what a person calls it
    seconds: for everything together
    """

    def __init__(self, env: Any, encode: Callable[[Any], np.ndarray], *, source: str, seconds: float) -> None:
        self.env, self._encode, self._source = env, encode, source
        self._begun, self._seconds = time.perf_counter(), seconds
        self.faults: dict[str, Fault] = {}
        self.shown: list[np.ndarray] = []
        self.rewards: list[float] = []
        self.steps, self.step_s = 0, 0.0
        self.returns: list[float] = []  # of all episodes that ended
        self.tried: list[Tried] = []

    def left(self, share: float) -> bool:
        """Whether less than this share of the time has passed."""
        return time.perf_counter() - self._begun < share * self._seconds

    def play(self, policy: Policy, seed: int, until: float, longest: int = LONGEST) -> tuple[float, int, bool]:
        """(return, length, whether it ended) of an episode. until: share of the time at which it is left"""
        shown, total = self._reset(seed), 0.0
        for length in range(1, longest + 1):
            if shown is None:
                return total, length - 1, True
            action, before = policy(shown), time.perf_counter()
            seen, reward, over, cut = stepped(
                self.env, action, f"{self._source}: the episode of seed {seed:,}, step {length}"
            )
            self.step_s += time.perf_counter() - before
            self.steps += 1
            shown = self._look(seen, f"after step {length} of the episode of seed {seed:,}")
            total += self._paid(reward, f"in step {length} of the episode of seed {seed:,}")
            if over or cut:
                self.returns.append(total)
                return total, length, True
            if length % 64 == 0 and not self.left(until):
                return total, length, False
        return total, longest, False

    def _reset(self, seed: int) -> np.ndarray | None:
        return self._look(begun(self.env, seed, self._source), f"at the beginning of the episode of seed {seed:,}")

    def _look(self, seen: Any, when: str) -> np.ndarray | None:
        """The observation as networks get it, None for one that is none."""
        found = lie(self.env.observation_space, seen)
        if found is not None:
            self._note(Fault(found.name, f"{when} {found.said}", usable=found.usable))
            if not found.usable:
                return None
        shown = self._encode(seen)
        if len(self.shown) < min(KEPT, KEPT_BYTES // max(1, shown.nbytes)):
            self.shown.append(shown.copy())
        return shown

    def _paid(self, reward: Any, when: str) -> float:
        """A reward as a number; 0 for what is none."""
        try:
            value = float(reward)
        except (TypeError, ValueError):
            self._note(Fault(REWARD, f"{when} the reward is {reward!r}, which is no number"))
            return 0.0
        if not math.isfinite(value):
            self._note(Fault(REWARD, f"{when} the reward is {value}"))
            return 0.0
        self.rewards.append(value)
        return value

    def _note(self, found: Fault) -> None:
        known = self.faults.get(found.name)
        self.faults[found.name] = found if known is None else known._replace(times=known.times + 1)

    def episodes(self, policy: str, acts: Policy, seeds: Sequence[int], until: float, longest: int = LONGEST) -> Tried:
        """Play so many, as far as the time goes; at least one is begun. Kept in `tried`."""
        returns, lengths, left = [], [], 0
        for seed in seeds:
            if returns and not self.left(until):
                break
            total, length, ended = self.play(acts, seed, until, longest)
            if not ended:  # the others would not either, or the time is over; what it returned so far is no return
                left = length
                break
            returns.append(total)
            lengths.append(length)
        found = Tried(policy=policy, returns=returns, lengths=lengths, left=left)
        self.tried.append(found)
        return found

    def random(self, until: float) -> Tried:
        """Actions drawn from the space."""
        space = self.env.action_space
        space.seed(action_seed(FIRST_SEED))
        return self.episodes("random", lambda shown: space.sample(), _seeds(EPISODES), until, LONG)

    def constant(self, until: float) -> None:
        """Each action alone, or of numbers the lowest, the middle and the highest."""
        now = (time.perf_counter() - self._begun) / self._seconds
        choices = constants(self.env.action_space)
        for place, (name, action) in enumerate(choices, 1):
            share = now + (until - now) * place / len(choices)
            self.episodes(f"always {name}", lambda shown, action=action: action, _seeds(FRESH), share)

    def linear(self, until: float) -> Tried | None:
        """The best of random linear policies, by other episodes than those by which it was chosen; None where none is tried."""
        if not self.shown or self.shown[0].size > MOST_NUMBERS or not self.left(until):
            return None
        seen = np.stack(self.shown).reshape(len(self.shown), -1).astype(np.float64)
        seen = seen[np.isfinite(seen).all(1)]
        if not len(seen):
            return None
        mean, spread = seen.mean(0), seen.std(0)
        spread[spread == 0] = 1
        found: list[tuple[bool, float, int, Policy]] = []  # an episode that was left counts less than one that ended
        for which in range(POLICIES):
            acts = _linear(self.env.action_space, mean, spread, np.random.default_rng(action_seed(FIRST_SEED + which)))
            total, _, ended = self.play(acts, FIRST_SEED, 0.7 * until)
            found.append((ended, total, -which, acts))
            if not self.left(0.7 * until):
                break
        finalists = []
        for ended, total, which, acts in sorted(found, key=lambda each: each[:3], reverse=True)[:FINALISTS]:
            more = [self.play(acts, FIRST_SEED + 1 + number, 0.85 * until) for number in range(MORE)]
            whole = ended and all(each[2] for each in more)
            finalists.append((whole, total + sum(each[0] for each in more), which, acts))
        best = max(finalists, key=lambda each: each[:3])[3]
        fresh = [FIRST_SEED + EPISODES + place for place in range(FRESH)]
        return self.episodes(f"best of {len(found)} random linear policies", best, fresh, until)


def begun(env: Any, seed: int, source: str) -> Any:
    """The first observation of an episode. Raises: DataError, of one line"""
    try:
        shown, _ = env.reset(seed=seed)
    except Exception as error:  # any fault of the environment's code, which --debug shows whole
        raise DataError(f"{source}: reset(seed={seed}) raised {_why(error)}; mend the environment") from error
    return shown


def stepped(env: Any, action: Any, where: str) -> tuple[Any, Any, bool, bool]:
    """(observation, reward, terminated, truncated) of a step. Raises: DataError, of one line"""
    try:
        found = env.step(action)
    except Exception as error:
        raise DataError(f"{where}: step({action}) raised {_why(error)}; mend the environment") from error
    if not isinstance(found, tuple) or len(found) != 5:
        what = f"{len(found)} values" if isinstance(found, tuple) else f"a {type(found).__name__}"
        raise DataError(
            f"{where}: step returned {what}, and not the five of gymnasium (observation, reward, terminated, truncated, info); "
            "mend the environment"
        )
    return found[0], found[1], bool(found[2]), bool(found[3])


def _why(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}"


def _seeds(number: int) -> list[int]:
    return [FIRST_SEED + place for place in range(number)]


def constants(space: Any) -> list[tuple[str, Any]]:
    """(in words, the action) of actions that are tried alone: each of a few, of many every so many; the ends of the others."""
    from gymnasium import spaces

    if isinstance(space, spaces.Discrete):
        step = max(1, -(-int(space.n) // CONSTANTS))
        return [(f"action {space.start + place}", int(space.start) + place) for place in range(0, int(space.n), step)]
    if isinstance(space, spaces.MultiDiscrete):
        return [("the first", np.zeros_like(space.nvec)), ("the last", space.nvec - 1)]
    if not isinstance(space, spaces.Box):
        return []
    low, high = bounds(space)
    middle = (low + high) / 2
    return [(name, each.astype(space.dtype)) for name, each in (("lowest", low), ("middle", middle), ("highest", high))]


def bounds(space: Any) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest numbers of a Box, -1 and 1 where there is no bound."""
    bounded = np.isfinite(space.low) & np.isfinite(space.high)
    return np.where(bounded, space.low, -1.0), np.where(bounded, space.high, 1.0)


def _linear(space: Any, mean: np.ndarray, spread: np.ndarray, random: np.random.Generator) -> Policy:
    """Weights of a standard normal on observations that are scaled as they were met."""
    from gymnasium import spaces

    def scaled(shown: np.ndarray) -> np.ndarray:
        return np.nan_to_num((shown.reshape(-1) - mean) / spread)

    if isinstance(space, spaces.Discrete):
        weights, start = random.standard_normal((int(space.n), len(mean))), int(space.start)
        return lambda shown: start + int((weights @ scaled(shown)).argmax())
    if isinstance(space, spaces.MultiDiscrete):
        each = [random.standard_normal((int(n), len(mean))) for n in space.nvec.reshape(-1)]
        shape, kind = space.nvec.shape, space.dtype
        return lambda shown: np.array([(w @ scaled(shown)).argmax() for w in each], kind).reshape(shape)
    low, high = bounds(space)
    weights = random.standard_normal((math.prod(space.shape), len(mean)))

    def acts(shown: np.ndarray) -> np.ndarray:
        found = np.tanh(weights @ scaled(shown)).reshape(space.shape)
        return (low + (high - low) * (found + 1) / 2).astype(space.dtype)

    return acts
