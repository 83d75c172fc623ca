"""Policies that know nothing."""

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from sonde.acting.evaluation import plain as module
from sonde.acting.evaluation.plain import plain_policies
from sonde.report.plain_policies import MANY
from tests.acting.small_environments import Corridor, Walk


class Paid(Corridor):
    """Three steps; action 1 earns 1, and action 0 nothing."""

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        seen, _, over, cut, info = super().step(action)
        return seen, float(action), over, cut, info


def test_a_random_policy_and_the_best_constant_action_of_the_same_seeds() -> None:
    made: list[Paid] = []

    def make() -> Paid:
        made.append(Paid())
        return made[-1]

    random, constant = plain_policies(make, range(200, 600), seed=0).played
    assert (random.what, constant.what) == ("a random policy", "always action 1")
    assert constant.returns == [3.0] * 400
    assert random.mean == pytest.approx(1.5, abs=3 * (0.75 / 400) ** 0.5)  # of a binomial with three draws
    seeds = [seed for seed in made[0].seeds if made[0].seeds.count(seed) == 3]
    assert set(seeds) == set(range(200, 210)), (
        "a few, by which the constant ones are compared, all play; then two go on"
    )
    assert set(made[0].seeds) == set(range(200, 600))


def test_the_same_seed_gives_the_same_episodes() -> None:
    first, again, other = (plain_policies(Walk, range(9), seed=seed).played[0].returns for seed in (0, 0, 1))
    assert first == again != other


class Pulled(Walk):
    """Goes right where its second number is above 0; the first one is paid for."""

    def __init__(self) -> None:
        super().__init__()
        self.action_space = spaces.Box(np.array([0, -1], np.float32), np.array([5000, 1], np.float32))

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        assert self.action_space.contains(action)
        seen, _, over, cut, info = super().step(int(action[1] > 0))
        return seen, -float(action[0]), over, cut, info


def test_of_numbers_the_lowest_the_middle_and_the_highest_are_tried() -> None:
    random, constant = plain_policies(Pulled, range(5), seed=0).played
    assert (random.what, constant.what) == ("a random policy", "always the lowest action")
    assert constant.returns == [0.0] * 5

    class Free(Pulled):
        def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
            seen, _, over, cut, info = super().step(action)
            return seen, float(1000 < action[0] < 4000), over, cut, info

    assert plain_policies(Free, range(5), seed=0).played[1].what == "always the middle action"


def test_of_several_parts_the_first_and_the_last_are_tried() -> None:
    class Parts(Walk):
        def __init__(self) -> None:
            super().__init__()
            self.action_space = spaces.MultiDiscrete([2, 3])

        def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
            seen, _, over, cut, info = super().step(int(action[0]))
            return seen, float(action.sum()), over, cut, info

    assert plain_policies(Parts, range(5), seed=0).played[1].what == "always the last action"


def test_steps_are_limited_and_what_began_is_played_to_its_end() -> None:
    random, constant = plain_policies(lambda: Corridor(4), range(100), seed=0, steps=10).played
    assert (random.lengths, constant.lengths) == ([4, 4, 4], [4, 4, 4])


def test_an_episode_that_goes_on_too_long_is_given_up() -> None:
    assert plain_policies(lambda: Corridor(1000), range(100), seed=0, steps=10) == ([], "")


def test_seconds_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(np.arange(0, 1000, 0.25).tolist())
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(now))
    found = plain_policies(lambda: Corridor(1), range(100), seed=0, seconds=5)
    random, constant = found.played
    assert 3 <= len(random.returns) == len(constant.returns) <= 20, "on the same seeds, however many those are"
    assert next(now) <= 4 * 5 + 1


class Sleepy(Corridor):
    """Steps of which each takes a second, by the clock of the test. Action 1 does not move."""

    def __init__(self, now: list[float]) -> None:
        super().__init__(2)
        self._now = now

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        self._now[0] += 1
        return super().step(action)


@pytest.mark.parametrize(("seconds", "rounds", "missing"), [
    (8.0, 3, ""),  # rounds of three policies, of two steps each
    (22.0, 20, ""),  # 20 of them, which make a difference certain, where they take no more than the patience
    (1.0, 1, "no constant action was tried: one episode of each of the 2 takes longer than 3 s"),
])  # fmt: skip
def test_slow_episodes_are_waited_for_or_it_is_said_what_was_left_out(
    monkeypatch: pytest.MonkeyPatch, seconds: float, rounds: int, missing: str
) -> None:
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    found = plain_policies(lambda: Sleepy(now), range(100), seed=0, seconds=seconds)
    assert (found.missing, {len(each.returns) for each in found.played}) == (missing, {rounds})
    assert len(found.played) == (1 if missing else 2)


def test_actions_for_which_there_is_no_time_are_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two steps of a second each are two seconds an episode; two actions would take four of the three."""
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(module, "HOPELESS", 1.0)
    found = plain_policies(lambda: Sleepy(now), range(100), seed=0, seconds=1.0)
    assert found.missing.startswith("no constant action was tried")
    assert (len(found.played[0].returns), now[0]) == (2, 4.0), (
        "what is left is for another episode of the random policy"
    )


def test_an_action_whose_episode_does_not_end_is_left_out_and_named() -> None:
    class Stays(Paid):
        def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
            if action == 1:
                return np.zeros(3, np.float32), 0.0, False, False, {}
            return super().step(0)

    found = plain_policies(Stays, range(5), seed=0, steps=100)
    assert [each.what for each in found.played] == ["a random policy", "always action 0"]
    assert found.missing == "left out, since an episode did not end within 100 steps: always action 1"


def test_as_many_are_played_as_make_a_difference_certain() -> None:
    assert module.CERTAIN == MANY
