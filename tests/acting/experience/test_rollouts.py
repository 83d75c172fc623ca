"""Rollouts as a source of batches."""

import itertools
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from sonde.acting.environments.in_process import InProcess
from sonde.acting.experience.collecting import Collector
from sonde.acting.experience.rollouts import RolloutPlan, Rollouts
from sonde.core.acting import Acting
from tests.acting.small_environments import Corridor, Walk

LENGTH, COUNT = 6, 2
PLAN = RolloutPlan(length=LENGTH, passes=2, batch=4, discount=0.5, gae_lambda=1.0)


def act(seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
    chosen = torch.randint(0, 2, (len(seen),), generator=random)
    return {"action": chosen, "log_prob": torch.zeros(len(seen)), "value": torch.full((len(seen),), 8.0)}


def source(make, plan: RolloutPlan = PLAN) -> Rollouts:
    environments = InProcess(
        make, COUNT, encode=lambda seen: np.asarray(seen, np.float32), seed_of=lambda a, b: 100 * a + b
    )
    acting = Acting(act=act, sent=lambda chosen: chosen, value=lambda seen: torch.full((len(seen),), 8.0))
    device = torch.device("cpu")
    return Rollouts(Collector(environments, acting, device=device), acting, plan, seed=0, device=device)


def test_each_pass_has_every_transition_once() -> None:
    batches = list(itertools.islice(source(Walk), 6))
    for turn in (batches[:3], batches[3:]):
        rows = torch.cat([batch.index for batch in turn])
        assert sorted(rows.tolist()) == list(range(LENGTH * COUNT))
    assert not torch.equal(batches[0].index, batches[3].index)


def test_batches_that_are_not_as_large_as_was_asked_for_are_said() -> None:
    said = {batch: source(Walk, replace(PLAN, batch=batch)).said for batch in (None, 4, 12, 5, 100)}
    assert (said[None], said[4], said[12]) == ("", "", "")
    assert (
        said[5]
        == "each pass over a rollout of 12 transitions ends with a batch of 2, as --batch-size 5 does not divide it"
    )
    assert said[100] == "batches of all 12 transitions of a rollout, fewer than --batch-size 100"
    rows = [len(batch) for batch in itertools.islice(source(Walk, replace(PLAN, batch=5)), 3)]
    assert rows == [5, 5, 2]


def test_returns_are_those_of_the_corridor() -> None:
    """Of rewards of 1, worth half a step later, three return 1.75, 1.5 and 1; a cut adds half of what is expected."""
    for cut, last in ((False, 1.0), (True, 1 + 8 / 2)):
        expected = {2: last, 1: 1 + last / 2, 0: 1 + (1 + last / 2) / 2}
        for batch in itertools.islice(source(lambda cut=cut: Corridor(3, cut=cut)), 3):
            places = batch["observation"].argmax(1).tolist()
            assert batch["return"].tolist() == [expected[place] for place in places]


def test_a_restored_source_goes_on_with_the_very_next_batch() -> None:
    for taken in (0, 1, 3, 6, 7, 14):
        one, other = source(Walk), source(Walk)
        batches = iter(one)
        for _ in range(taken):
            next(batches)
        other.load_state_dict(one.state_dict())
        for a, b in zip(itertools.islice(batches, 9), iter(other), strict=False):
            assert torch.equal(a.index, b.index)
            assert all(torch.equal(a[name], b[name]) for name in a.fields)


def test_the_log_has_returns_of_episodes() -> None:
    one = source(lambda: Corridor(3))
    next(iter(one))
    figures = {"environment_steps": LENGTH * COUNT, "episodes": 4, "train_return": 3.0, "train_length": 3.0}
    assert one.figures.items() >= figures.items()
