"""Telling functions of the step from torch's schedulers, and stepping these."""

import functools
import warnings
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import ChainedScheduler, CyclicLR, MultiStepLR, OneCycleLR, ReduceLROnPlateau, StepLR

from sonde.core.config import OptimConfig
from sonde.core.errors import ConfigError
from sonde.core.given_object import as_setting
from sonde.optim.schedulers import Scheduler, function_of_step, scheduler_of


def optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0, momentum=0.9)


def made(schedule: Any, **more: Any) -> Scheduler:
    over, mode = optimizer(), more.pop("mode", "min")
    found = scheduler_of(OptimConfig(schedule=as_setting("schedule", schedule), **more), over, mode=mode)
    assert found is not None
    return found


@pytest.mark.parametrize(
    "given", [lambda step: 0.5, lambda step: torch.tensor(0.5), lambda step: 1, functools.partial(pow, 0.5)]
)
def test_what_gives_a_number_of_step_0_is_a_function_of_the_step(given: Any) -> None:
    share = function_of_step(as_setting("schedule", given))
    assert share is not None
    assert share(0) == float(given(0))


@pytest.mark.parametrize(
    "given", [StepLR, functools.partial(StepLR, step_size=3), lambda o: StepLR(o, 3), lambda s: True]
)
def test_what_gives_none_is_not(given: Any) -> None:
    assert function_of_step(as_setting("schedule", given)) is None


@pytest.mark.parametrize(
    ("given", "every"),
    [
        (functools.partial(StepLR, step_size=3), "epoch"),
        (functools.partial(OneCycleLR, max_lr=1.0, total_steps=9), "step"),
        (functools.partial(CyclicLR, base_lr=0.1, max_lr=1.0), "step"),
        (lambda o: ChainedScheduler([StepLR(o, 3), CyclicLR(o, 0.1, 1.0)]), "step"),
        (ReduceLROnPlateau, "evaluation"),
        ("plateau", "evaluation"),
    ],
)
def test_each_is_stepped_as_its_documentation_says(given: Any, every: str) -> None:
    assert made(given).every == every


def test_one_may_be_stepped_otherwise_but_not_a_plateau() -> None:
    assert made(functools.partial(StepLR, step_size=3), schedule_every="step").every == "step"
    with pytest.raises(ConfigError, match="it is stepped at each evaluation; leave schedule_every out"):
        made(ReduceLROnPlateau, schedule_every="epoch")
    with pytest.raises(ConfigError, match="mode='min', and the monitored metric is better larger"):
        made(ReduceLROnPlateau, mode="max")
    assert made("plateau", mode="max").scheduler.mode == "max"  # type: ignore[attr-defined]


def test_nothing_is_warned_of_and_one_that_is_over_stays() -> None:
    cycle = made(functools.partial(OneCycleLR, max_lr=1.0, total_steps=4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # torch warns where it thinks that no update was made
        for _ in range(9):
            cycle.advance()
    assert cycle.steps == 4
    assert cycle.scheduler.get_last_lr() == pytest.approx([4e-6], rel=1e-6) or cycle.scheduler.last_epoch == 4


@pytest.mark.parametrize(
    "given",
    [
        lambda o: MultiStepLR(o, [2, 4]),
        functools.partial(CyclicLR, base_lr=0.1, max_lr=1.0, step_size_up=3),
        functools.partial(OneCycleLR, max_lr=1.0, total_steps=12),
    ],
)
def test_a_state_that_went_through_json_goes_on_as_before(given: Any) -> None:
    from sonde.engine.tree import copied, join, separate

    first, second = made(given), made(given)
    for _ in range(3):
        first.advance()
    over, other = first.scheduler.optimizer, second.scheduler.optimizer
    tree, tensors = separate(copied({"scheduler": first.state_dict(), "optimizer": over.state_dict()}))
    for _ in range(2):  # a state may be put back more than once
        state = join(tree, tensors)
        other.load_state_dict(state["optimizer"])
        second.load_state_dict(state["scheduler"])
    for _ in range(4):
        first.advance()
        second.advance()
        assert over.param_groups[0]["lr"] == other.param_groups[0]["lr"]
        assert over.param_groups[0]["momentum"] == other.param_groups[0]["momentum"]
