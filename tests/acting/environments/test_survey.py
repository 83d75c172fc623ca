"""Playing without learning: what policies return, from stated seeds, for a limited time."""

import itertools
import time
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from sonde.acting.environments import survey
from sonde.acting.environments.own import trace
from sonde.acting.environments.survey import FIRST_SEED, Survey
from tests.acting.faulty import Endless, Target
from tests.acting.small_environments import Corridor


def of(env: Any, seconds: float = 5.0) -> Survey:
    return Survey(env, lambda seen: np.asarray(seen, np.float32), source="it", seconds=seconds)


def test_returns_are_those_of_the_environment() -> None:
    one = of(Corridor(3))
    found = one.random(0.5)
    assert set(found.returns) == {3.0}
    assert set(found.lengths) == {3}
    assert found.left == 0
    assert one.steps == 3 * survey.EPISODES
    one.constant(0.8)
    assert [each.policy for each in one.tried] == ["random", "always action 0", "always action 1"]


def test_the_same_episodes_are_played_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "POLICIES", 20)
    both = [of(Target()) for _ in range(2)]
    tried = [(one.random(1.0), one.linear(1.0)) for one in both]
    assert tried[0] == tried[1]
    random, best = tried[0]
    assert best is not None
    assert best.policy == "best of 20 random linear policies"
    assert np.mean(best.returns) > np.mean(random.returns)
    env = Target()
    env.reset(seed=FIRST_SEED)
    assert both[0].shown[0].tolist() == env.shown().tolist()


class Guess(Target):
    """Pays for an action that is near what it drew itself for the step, from the stream that a seed begins."""

    def __init__(self) -> None:
        super().__init__()
        self.action_space = spaces.Box(-1, 1, (1,), np.float32)

    def begin(self) -> None:
        self.steps, self.place = 0, float(self.np_random.uniform(-1, 1))

    def move(self, action: Any) -> None:
        self.speed = abs(float(action[0]) - self.place)
        self.place = float(self.np_random.uniform(-1, 1))

    def reward(self) -> float:
        return -self.speed


def test_actions_are_no_draws_of_the_environment() -> None:
    """Two numbers from -1 to 1 are 2/3 apart in the mean, over 20 steps of an episode; equal ones are not apart at all."""
    assert np.mean(of(Guess()).random(1.0).returns) == pytest.approx(-20 * 2 / 3, rel=0.1)
    paid = [answer[1] for answer in trace(Guess(), seed=FIRST_SEED, acts=FIRST_SEED).answers[1:]]
    assert min(paid) < -0.5


def test_it_is_over_in_time() -> None:
    one, begun = of(Endless(), 0.3), time.perf_counter()
    random = one.random(0.5)
    one.constant(0.8)
    assert time.perf_counter() - begun < 3  # of a busy machine
    assert not random.returns
    assert random.left > 100


def test_an_episode_that_is_left_is_none_of_those_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock is looked at twice a step: 500 ticks are over in the second episode of 200 steps."""
    ticks = itertools.count()
    monkeypatch.setattr(survey.time, "perf_counter", lambda: float(next(ticks)))
    found = of(Corridor(200), 1000.0).random(0.5)
    assert (found.returns, found.lengths, found.left) == ([200.0], [200], 64)
