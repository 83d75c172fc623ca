"""Episodes of an evaluation: what they return, discounted as the value is that is told of them, and their actions."""

import time
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sonde.acting.evaluation import episodes as module
from sonde.acting.evaluation.episodes import Episodes
from sonde.core.acting import Acting
from sonde.core.errors import DataError
from sonde.metrics.episodes import EpisodesMeter, played
from tests.acting.small_environments import Corridor, Walk


def acting(value: float | None) -> Acting:
    def act(seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
        return {"action": (seen[:, 0] < 0).long()}

    worth = None if value is None else lambda seen: torch.full((len(seen),), value)
    return Acting(act=act, sent=lambda action: action, value=worth, discount=0.5)


def of(make, value: float | None = None, seeds=(5, 6, 7)) -> Episodes:
    def encode(seen):
        return np.asarray(seen, np.float32)

    return Episodes(make, encode, acting(value), seeds=seeds, sampled=False, seed=0, device=torch.device("cpu"))


@pytest.mark.parametrize(("cut", "discounted"), [(False, 1 + 0.5 + 0.25), (True, 1 + 0.5 + 0.25 + 0.125 * 8)])
def test_what_follows_a_cut_counts_by_its_value_and_what_follows_an_end_does_not(cut: bool, discounted: float) -> None:
    (batch,) = of(lambda: Corridor(3, cut=cut), value=8.0)
    assert batch["return"].tolist() == batch["length"].tolist() == [3.0, 3.0, 3.0]
    assert batch["expected_return"].tolist() == [8.0, 8.0, 8.0]
    assert batch["bootstrapped_return"].tolist() == [discounted] * 3
    assert batch["bootstrapped_part"].tolist() == [1.0 if cut else 0.0] * 3


def test_episodes_that_are_over_are_counted_while_they_are_played() -> None:
    played, told = of(lambda: Corridor(3), seeds=range(5)), []
    played.leave_off = lambda: bool(told.append(played.so_far))
    list(played)
    assert told == [(0, 5)] * 3
    assert played.so_far == (5, 5)


def test_without_a_value_nothing_is_expected() -> None:
    (batch,) = of(lambda: Corridor(3))
    assert set(batch.keys()) == {"return", "length"}


def test_the_actions_that_are_kept_play_the_same_episode_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TOGETHER", 2)  # so that there are two groups
    found = of(Walk)
    returns = torch.cat([batch["return"] for batch in found]).tolist()
    for number, seed in enumerate((5, 6, 7)):
        env = Walk()
        env.reset(seed=seed)
        assert sum(env.step(action)[1] for action in found.taken[number]) == returns[number]


def test_a_meter_tells_means_and_what_intervals_are_made_of() -> None:
    meter = EpisodesMeter()
    for batch in of(lambda: Corridor(3), value=8.0):
        meter.update(played(batch), batch.index)
    assert meter.compute() == {
        "return": 3.0,
        "return_std": 0.0,
        "return_worst": 3.0,
        "length": 3.0,
        "expected_return": 8.0,
        "bootstrapped_return": 1.75,
        "bootstrapped_part": 0.0,
    }
    sums = meter.details()["sums"]
    assert (sums["unit"], sums["rows"], sums["columns"]["return"]) == ("episodes", 3, [3.0, 3.0, 3.0])


def test_an_episode_without_an_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 10)
    cure = "--max-episode-steps 1000 of sonde train and resume cuts them off"
    with pytest.raises(DataError, match=f"seed 5 goes on after 10 steps of an evaluation; .* {cure}"):
        list(of(lambda: Corridor(11)))


@pytest.mark.parametrize(("within_s", "begun"), [(None, [3]), (60.0, [3]), (1e-9, [1, 1, 1])])
def test_where_there_may_be_too_little_time_for_all_fewer_are_played_side_by_side(
    within_s: float | None, begun: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One first, and then as many as are expected to end; what they return is the same."""
    episodes, groups = of(lambda: Walk()), []
    episodes.expected_s(1.0)
    played = Episodes._played

    def counted(self: Episodes, seeds: Any, first: int, leave_off: Any) -> Any:
        groups.append(len(seeds))
        return played(self, seeds, first, leave_off)

    monkeypatch.setattr(Episodes, "_played", counted)
    episodes.within_s = within_s
    found = torch.cat([batch["return"] for batch in episodes]).tolist()
    assert groups == begun
    assert found == torch.cat([batch["return"] for batch in of(lambda: Walk())]).tolist()


def test_of_a_short_time_one_episode_comes_of_twenty() -> None:
    """Side by side none would have ended: each step of all takes 20 times as long as that of one."""
    episodes = of(lambda: Corridor(10), seeds=range(20))
    steps = 0

    class Counted(Corridor):
        def step(self, action: Any) -> Any:
            nonlocal steps
            steps += 1
            return super().step(action)

    episodes = of(lambda: Counted(10), seeds=range(20))
    episodes.within_s = 1.0
    episodes.leave_off = lambda: steps >= 50
    assert sum(len(batch) for batch in episodes) >= 1
    episodes.within_s, steps = None, 0
    assert sum(len(batch) for batch in episodes) == 0


def test_how_long_a_pass_takes_is_found_with_as_many_as_begin_in_that_time() -> None:
    made = 0

    def slow() -> Any:
        nonlocal made
        made += 1
        time.sleep(0.05)
        return Walk()

    assert of(slow, seeds=range(20)).expected_s(0.2) > 0
    assert 1 <= made < 5
