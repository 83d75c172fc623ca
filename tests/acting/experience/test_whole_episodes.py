"""Whole episodes as a source of batches."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from sonde.acting.environments.in_process import InProcess
from sonde.acting.experience.collecting import Collector
from sonde.acting.experience.whole_episodes import WholeEpisodes
from sonde.core.acting import Acting
from tests.acting.small_environments import Corridor, Walk

DEVICE = torch.device("cpu")


def act(seen: Tensor, random: torch.Generator) -> dict[str, Tensor]:
    return {"action": torch.randint(0, 2, (len(seen),), generator=random)}


def source(*makes: Any, episodes: int = 1, worth: float | None = None, count: int = 2) -> WholeEpisodes:
    made = itertools.cycle(makes)
    environments = InProcess(
        lambda: next(made)(),
        count,
        encode=lambda seen: np.resize(np.asarray(seen, np.float32), 5),
        seed_of=lambda a, b: 100 * a + b,
    )
    value = None if worth is None else lambda seen: torch.full((len(seen),), worth)
    judged = None if worth is None else lambda seen, action: {"value": torch.full((len(seen),), worth)}
    acting = Acting(act=act, sent=lambda chosen: chosen, value=value, judged=judged)
    collector = Collector(environments, acting, device=DEVICE)
    return WholeEpisodes(collector, acting, episodes=episodes, discount=0.5, seed=0, device=DEVICE)


def test_each_environment_plays_as_many_episodes_though_some_are_shorter() -> None:
    one = source(lambda: Corridor(1), lambda: Corridor(4), episodes=2)
    for batch in itertools.islice(one, 3):
        assert sorted(batch["return"].tolist()) == sorted([1.0, 1.0] + 2 * [1.0, 1.5, 1.75, 1.875])
        assert batch["length"].tolist() == [2.5] * 10  # two of 1 action and two of 4
        assert batch["observation"][:, 0].sum() == 4  # each episode from its beginning


def test_what_was_cut_off_is_worth_what_was_expected_of_it() -> None:
    for worth, last in ((None, 1.0), (8.0, 1 + 8 / 2)):
        batch = next(iter(source(lambda: Corridor(2, cut=True), worth=worth)))
        assert sorted(batch["return"].tolist()) == sorted(2 * [last, 1 + last / 2])
    over = next(iter(source(lambda: Corridor(2), worth=8.0)))
    assert sorted(over["return"].tolist()) == [1, 1, 1.5, 1.5]


@pytest.mark.parametrize("taken", [0, 1, 3])
def test_a_restored_source_goes_on_with_the_very_next_batch(taken: int) -> None:
    one, other = source(Walk), source(Walk)
    batches = iter(one)
    for _ in range(taken):
        next(batches)
    other.load_state_dict(one.state_dict())
    for a, b in zip(itertools.islice(batches, 2), iter(other), strict=False):
        assert all(torch.equal(a[name], b[name]) for name in a.fields)
    assert one.figures == other.figures
