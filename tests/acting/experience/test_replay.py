"""When a replay acts, and when it is learned from."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from sonde.acting.environments.in_process import InProcess
from sonde.acting.experience.replay import Replay, ReplayPlan
from sonde.core.acting import Acting
from tests.acting.small_environments import Walk

COUNT = 3
PLAN = ReplayPlan(capacity=90, warmup=12, every=2, batch=4, steps=1, discount=0.9, together=6)


def act(seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
    return {"action": torch.randint(0, 2, (len(seen),), generator=random)}


def source(plan: ReplayPlan = PLAN) -> Replay:
    environments = InProcess(
        Walk, COUNT, encode=lambda seen: np.asarray(seen, np.float32), seed_of=lambda a, b: 100 * a + b
    )
    return Replay(environments, Acting(act=act, sent=lambda chosen: chosen), plan, seed=0, device=torch.device("cpu"))


def steps_at(one: Replay, batches: int) -> list[int]:
    """Steps of the environments when each of so many batches is there."""
    return [int(one.figures["environment_steps"]) for _ in itertools.islice(one, batches)]


def test_updates_that_come_together_are_from_one_policy() -> None:
    assert steps_at(source(), 14) == [12] * 6 + [24] * 6 + [36] * 2
    assert steps_at(source(replace(PLAN, together=1)), 5) == [12, 15, 18, 18, 21]  # after 12, 14, 16, 18 and 20
    assert steps_at(source(replace(PLAN, together=2, every=1)), 6) == [12, 12, 15, 15, 18, 18]  # after 12, 14 and 16


@pytest.mark.parametrize("together", [1, 4, 6])
@pytest.mark.parametrize("drawn", [0, 1, 3, 4, 6, 9])
def test_the_pace_says_when_the_environments_step(together: int, drawn: int) -> None:
    """Given a second for a step of each environment, beside what batches then take."""
    one = source(replace(PLAN, together=together, every=3))
    batches = iter(one)
    for _ in range(drawn):
        next(batches)
    pace, before = one._pace(1.0), one.figures["environment_steps"]
    for number in range(1, 14):
        next(batches)
        assert pace.seconds(number) == (one.figures["environment_steps"] - before) / COUNT


@pytest.mark.parametrize("drawn", [0, 1, 5, 6, 8])
def test_a_restored_replay_goes_on_within_a_burst(drawn: int) -> None:
    one, other = source(), source()
    batches = iter(one)
    for _ in range(drawn):
        next(batches)
    other.load_state_dict(one.state_dict())
    for a, b in zip(itertools.islice(batches, 9), iter(other), strict=False):
        assert torch.equal(a.index, b.index)
        assert all(torch.equal(a[name], b[name]) for name in a.fields)
        assert one.figures == other.figures
