"""What is earned without learning: by a policy that draws any action, and by always taking the same one."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from sonde.acting.environments.survey import constants
from sonde.core.pace import never
from sonde.core.seeds import derive
from sonde.core.units import count

SECONDS = 5.0  # for all of it, so that a run does not wait for its baseline; of slow episodes it takes longer
TRIALS, PATIENCE = 3, 4  # times as long may it take to try each action alone `AT_LEAST` times, and whatever goes on
STEPS = 20_000  # of the environment for each policy: 100 episodes of 200 steps
MOST_ACTIONS = 18  # of which each is tried alone: the buttons of Atari's joystick
FEW, AT_LEAST = 10, 3  # episodes by which constant actions are compared; so many of them even where that takes longer
CERTAIN = 20  # episodes, fewer of which make nothing certain: so many are played where that ends within `PATIENCE`
HOPELESS = 1.5  # times as long as there is, by the first random episode, and actions are not tried alone
LONGEST = 2  # times the steps, at which an episode that began within them is given up


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

    @property
    def steps(self) -> int:
        """Of all its episodes."""
        return sum(self.lengths)


class PlainPolicies(NamedTuple):
    """played: all of them in episodes of the same seeds, the first ones;  missing: what was not played, and why, in words"""

    played: list[Plain]
    missing: str = ""


Policy = Callable[[int], Callable[[], Any]]  # number of an episode -> what gives its actions


class _Player(NamedTuple):
    plain: Plain
    policy: Policy


def plain_policies(
    make: Callable[[], Any],
    seeds: Sequence[int],
    *,
    seed: int,
    seconds: float = SECONDS,
    steps: int = STEPS,
    leave_off: Callable[[], bool] = never,
) -> PlainPolicies:
    """A random policy, and where actions are few, or numbers, the best constant one; none where not one episode ends within the
    limits.

    Each action is tried `FEW` times, or as often as there is room for; the best then goes on beside the random policy. All is
    played in rounds, all policies from one seed, so that they are compared on the same ones.

    make: an environment;  seeds: of the episodes, of which as many are played as there is room for;  seed: of random actions
    seconds: after which no round begins but the first `AT_LEAST`, and up to `CERTAIN` where all of these end in time; at
             `PATIENCE` times as much everything is given up
    steps: of the environment for each policy; what began within them is played to its end, up to twice as far
    leave_off: asked at each step; where it says True, nothing more is played, and what goes on is left out
    """
    env = make()
    try:
        table = _Table(env, seeds, steps=steps, seconds=seconds, leave_off=leave_off)
        chance = _Player(Plain(what="a random policy"), lambda number: _random(env, seed, number))
        tried = [
            _Player(Plain(what=what), lambda _, action=action: lambda: action)
            for what, action in _alone(env.action_space)
        ]
        missing = table.try_each(chance, tried) if tried else ""
        known = [each for each in tried if each.plain.returns]
        best = [max(known, key=lambda each: each.plain.mean)] if known else []
        table.go_on(chance, best)
    finally:
        env.close()
    found = [each.plain for each in (chance, *best) if each.plain.returns]
    return PlainPolicies(found, missing if found else "")


class _Over(Exception):
    """There is no time, or the random policy does not come to an end: what goes on does not count."""


class _Table:
    """Rounds of episodes, each from one seed by all players, so that all of them have played the same seeds."""

    def __init__(
        self, env: Any, seeds: Sequence[int], *, steps: int, seconds: float, leave_off: Callable[[], bool]
    ) -> None:
        self._env, self._seeds, self._steps, self._seconds, self._leave_off = env, seeds, steps, seconds, leave_off
        self._begun, self._longest = time.perf_counter(), 0
        self._episode_s = 0.0  # in the last round, on average

    def try_each(self, chance: _Player, tried: list[_Player]) -> str:
        """Play some rounds of all, of whom those that do not come to an end are left out. Returns: who was not tried, and why"""
        share, endless, actions = self._steps // len(tried), list[str](), len(tried)
        seeds = self._seeds[:FEW]
        try:
            while tried and seeds[_number(chance) :] and sum(each.plain.steps for each in tried) < self._steps:
                self._check(chance, 0.5, TRIALS)
                found = self._round(chance, tried, TRIALS, share)
                endless += [each.plain.what for each, ended in zip(tried, found, strict=True) if not ended]
                tried[:] = [each for each, ended in zip(tried, found, strict=True) if ended]
        except _Over:
            pass
        if tried and not _number(tried[0]):
            limit = f"{TRIALS * self._seconds:.3g} s"
            return f"no constant action was tried: one episode of each of the {actions} takes longer than {limit}"
        if not endless:
            return ""
        who = f"{', '.join(endless[:6])}{f' and {len(endless) - 6} more' if len(endless) > 6 else ''}"
        return f"left out, since an episode did not end within {count(self._longest)} steps: {who}"

    def go_on(self, chance: _Player, best: list[_Player]) -> None:
        """Play more rounds of these, to the end of the seeds or of what there is room for."""
        try:
            while self._seeds[_number(chance) :] and all(each.plain.steps < self._steps for each in (chance, *best)):
                self._check(chance, PATIENCE if self._certain_in_time(chance, 1 + len(best)) else 1.0, PATIENCE)
                if not all(self._round(chance, best, PATIENCE, self._steps)):
                    del chance.plain.returns[-1], chance.plain.lengths[-1]
                    return
        except _Over:
            pass

    def _check(self, chance: _Player, times: float, patience: float) -> None:
        """Raises: _Over, where no round is to begin any more"""
        if self._late(patience) or (_number(chance) >= AT_LEAST and self._late(times)):
            raise _Over

    def _certain_in_time(self, chance: _Player, players: int) -> bool:
        """Whether fewer episodes are played yet than make a difference certain, and so many will be in time."""
        missing, taken_s = CERTAIN - _number(chance), time.perf_counter() - self._begun
        return missing > 0 and taken_s + missing * players * self._episode_s <= PATIENCE * self._seconds

    def _late(self, times: float) -> bool:
        return self._leave_off() or time.perf_counter() - self._begun >= times * self._seconds

    def _round(self, chance: _Player, others: Sequence[_Player], patience: float, steps: int) -> list[bool]:
        """Whether the episode of each of the others ended; those that did are kept. Raises: _Over"""
        at, over = _number(chance), lambda: self._late(patience)
        begun = time.perf_counter()
        first = self._episode(chance.policy(at), at, LONGEST * self._steps, over)
        if first is None:
            raise _Over
        if not at and (time.perf_counter() - begun) * len(others) > HOPELESS * patience * self._seconds:
            _keep(chance, first)
            raise _Over
        self._longest = LONGEST * max(steps, first[1])
        try:
            found = [self._episode(each.policy(at), at, self._longest, over) for each in others]
        except _Over:
            if not at:  # nobody else has an episode: the random policy stands alone
                _keep(chance, first)
            raise
        for each, one in zip((chance, *others), (first, *found), strict=True):
            _keep(each, one)
        self._episode_s = (time.perf_counter() - begun) / (1 + len(others))
        return [one is not None for one in found]

    def _episode(
        self, acts: Callable[[], Any], at: int, longest: int, over: Callable[[], bool]
    ) -> tuple[float, int] | None:
        """(return, length); None where it has not ended after so many steps. Raises: _Over"""
        self._env.reset(seed=self._seeds[at])
        returned = 0.0
        for length in range(1, longest + 1):
            _, reward, terminated, truncated, _ = self._env.step(acts())
            returned += float(reward)
            if terminated or truncated:
                return returned, length
            if over():
                raise _Over
        return None


def _keep(player: _Player, episode: tuple[float, int] | None) -> None:
    """episode: (return, length); None for one that did not end"""
    if episode is not None:
        player.plain.returns.append(episode[0])
        player.plain.lengths.append(episode[1])


def _number(player: _Player) -> int:
    """Of its next episode."""
    return len(player.plain.returns)


def _random(env: Any, seed: int, number: int) -> Callable[[], Any]:
    """Actions of the space, of a stream of this episode's own."""
    env.action_space.seed(derive(seed, "sample", "random policy", number) % 2**31)
    return env.action_space.sample


def _alone(space: Any) -> list[tuple[str, Any]]:
    """(in words, the action) of those that are tried alone, as inspection does: each of a few, and of numbers all at their
    lowest, in the middle and at their highest; none of many."""
    number = getattr(space, "n", None)
    if number is not None and (getattr(space, "shape", None) != () or not 1 < int(number) <= MOST_ACTIONS):
        return []
    tried = [(name.removeprefix("the "), action) for name, action in constants(space)]
    return [(f"always {name}" if number is not None else f"always the {name} action", action) for name, action in tried]
