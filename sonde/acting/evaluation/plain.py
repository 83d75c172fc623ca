"""What is earned without learning: by a policy that draws any action, and by always taking the same one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sonde.core.pace import never
from sonde.core.seeds import derive

SECONDS = 5.0  # for all of it, so that a run does not wait for its baseline
STEPS = 20_000  # of the environment for each policy: 100 episodes of 200 steps
MOST_ACTIONS = 18  # of which each is tried alone: the buttons of Atari's joystick
FEW = 10  # episodes by which constant actions are compared
LONGEST = 2  # times the limit, at which an episode that began within it is given up


@dataclass(frozen=True, kw_only=True)
class Plain:
    """Whole episodes of a policy that knows nothing. what: in words;  returns, lengths: one an episode, in the order of seeds"""

    what: str
    returns: list[float] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    @property
    def mean(self) -> float:
        """The mean return."""
        return float(np.mean(self.returns))


class _Limit:
    """Steps and seconds that are left."""

    def __init__(self, *, steps: int, until: float, leave_off: Callable[[], bool]) -> None:
        self.left, self._steps, self._until, self._begun = steps, steps, until, time.perf_counter()
        self._leave_off = leave_off

    def over(self, times: int = 1) -> bool:
        if self._leave_off():
            return True
        now = time.perf_counter()
        late = now >= self._begun + times * (self._until - self._begun)
        return late or self.left <= (1 - times) * self._steps


def plain_policies(
    make: Callable[[], Any],
    seeds: Sequence[int],
    *,
    seed: int,
    seconds: float = SECONDS,
    steps: int = STEPS,
    leave_off: Callable[[], bool] = never,
) -> list[Plain]:
    """A random policy, and where actions are few the best constant one; none where not one episode ends within the limits.

    make: an environment;  seeds: of the episodes, of which as many are played as there is room for;  seed: of random actions
    seconds: for all of it;  steps: of the environment for each policy; what began within them is played to its end, up to twice
    as far
    leave_off: asked at each step; where it says True, nothing more is played, and what goes on is left out
    """
    env, begun = make(), time.perf_counter()
    try:
        limit = _Limit(steps=steps, until=begun + seconds / 2, leave_off=leave_off)
        found = [_played(env, seeds, "a random policy", lambda number: _random(env, seed, number), limit)]
        actions = _few(env.action_space)
        if actions and found[0].returns:
            found += _constant(env, seeds, actions, steps=steps, until=begun + seconds, leave_off=leave_off)
    finally:
        env.close()
    return [each for each in found if each.returns]


def _constant(
    env: Any,
    seeds: Sequence[int],
    actions: Sequence[int],
    *,
    steps: int,
    until: float,
    leave_off: Callable[[], bool],
) -> list[Plain]:
    """The best of them by a few episodes, then played as often as the random policy; none where there is no room to try all."""
    tried, middle = [], (time.perf_counter() + until) / 2
    for action in actions:
        limit = _Limit(steps=steps // len(actions), until=middle, leave_off=leave_off)
        one = _played(env, seeds[:FEW], f"always action {action}", lambda _, action=action: lambda: action, limit)
        if not one.returns:
            return []
        tried.append((one.mean, action))
    best = max(tried, key=lambda each: each[0])[1]
    limit = _Limit(steps=steps, until=until, leave_off=leave_off)
    return [_played(env, seeds, f"always action {best}", lambda _: lambda: best, limit)]


def _played(
    env: Any, seeds: Sequence[int], what: str, policy: Callable[[int], Callable[[], Any]], limit: _Limit
) -> Plain:
    """policy: number of the episode -> what gives its actions"""
    found = Plain(what=what)
    for number, seed in enumerate(seeds):
        if limit.over():
            break
        env.reset(seed=seed)
        chosen, returned, length, going = policy(number), 0.0, 0, True
        while going:
            _, reward, over, cut, _ = env.step(chosen())
            returned, length, going = returned + float(reward), length + 1, not (over or cut)
            limit.left -= 1
            if going and limit.over(LONGEST):
                return found
        found.returns.append(returned)
        found.lengths.append(length)
    return found


def _random(env: Any, seed: int, number: int) -> Callable[[], Any]:
    """Actions of the space, of a stream of this episode's own."""
    env.action_space.seed(derive(seed, "sample", "random policy", number) % 2**31)
    return env.action_space.sample


def _few(space: Any) -> list[int]:
    """The actions of a space that has few of them; none of another."""
    count = getattr(space, "n", None)
    if count is None or getattr(space, "shape", None) != () or not 1 < int(count) <= MOST_ACTIONS:
        return []
    return [int(space.start) + number for number in range(int(count))]
