"""What the seams decide by themselves."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from sample_tasks import Adversarial, BanditRollout, Denoising, mlp
from torch import nn

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.records import StepRecord
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase, Source, Task, abilities_of, extras_of
from sonde.tasks.custom.task import MeanMeter, ModuleTask

NAN = math.nan


def nothing(batch: Batch) -> Loss:
    return Loss(torch.zeros(()), 1.0)


@pytest.mark.parametrize(
    ("mode", "new", "old", "better"),
    [
        ("max", 0.5, None, True),
        ("max", 0.5, 0.4, True),
        ("max", 0.4, 0.4, False),
        ("min", 0.3, 0.4, True),
        ("min", 0.5, 0.4, False),
        ("max", NAN, None, False),
        ("min", NAN, 1.0, False),
        ("min", 1.0, NAN, True),
        ("max", -math.inf, None, False),  # where every evaluation is so, the last weights are to be kept
        ("min", math.inf, None, False),
        ("max", math.inf, 1.0, True),
    ],
)
def test_better_is_strict_and_nan_never_is(mode: Any, new: float, old: float | None, better: bool) -> None:
    assert Objective("score", mode).better(new, old) is better


def test_a_phase_lists_its_trainable_parameters_once() -> None:
    shared = nn.Linear(2, 2)
    frozen = nn.Linear(2, 2).requires_grad_(False)
    head = nn.Linear(2, 2, bias=False)
    head.weight = shared.weight
    phase = Phase(name="p", loss=nothing, trains=[shared, nn.Sequential(frozen, shared), head])
    assert [id(p) for p in phase.parameters()] == [id(shared.weight), id(shared.bias)]


def test_a_loss_has_no_parts_unless_it_says_so() -> None:
    assert dict(nothing(Batch({}, torch.arange(1))).parts) == {}


@pytest.mark.parametrize(
    ("made", "seam"),
    [
        (lambda: ModuleTask(mlp(2, 3), nn.functional.cross_entropy), Task),
        (lambda: Adversarial(mlp(4, 2), mlp(2, 1), 4), Task),
        (lambda: Denoising(mlp(3, 2), 20), Task),
        (lambda: BanditRollout(mlp(2, 3)), Source),
        (MeanMeter, Meter),
    ],
)
def test_what_fits_a_seam_is_told_from_what_does_not(made: Any, seam: Any) -> None:
    assert isinstance(made(), seam)
    assert not isinstance(nn.Linear(1, 1), seam)


RECORD = StepRecord(1, 0, 2, {}, {}, 0.1)


def test_a_task_may_leave_out_what_it_does_not_need() -> None:
    extras = extras_of(ModuleTask(mlp(2, 3), nn.functional.cross_entropy))
    assert (extras.across_rows, extras.after_step, extras.state_dict()) == ((), None, {})
    extras.load_state_dict({"from": "elsewhere"})
    able = abilities_of(ModuleTask(mlp(2, 3), nn.functional.cross_entropy))
    assert replace(able, bind=None, constant_baselines=None) == Abilities()


def test_what_a_task_has_is_what_the_engine_calls() -> None:
    made: Any = ModuleTask(mlp(2, 3), nn.functional.cross_entropy)
    made.across_rows, made.moved = ("contrastive",), []
    made.after_step = made.moved.append
    made.state_dict, made.load_state_dict = lambda: {"moved": len(made.moved)}, made.moved.append
    extras = extras_of(made)
    assert extras.after_step is not None
    extras.after_step(RECORD)
    assert (extras.across_rows, extras.state_dict(), made.moved) == (("contrastive",), {"moved": 1}, [RECORD])


def test_state_that_could_not_be_loaded_again_is_refused() -> None:
    made: Any = ModuleTask(mlp(2, 3), nn.functional.cross_entropy)
    made.state_dict = dict
    with pytest.raises(
        ConfigError, match="^ModuleTask has one of state_dict and load_state_dict; a task has both or nei"
    ):
        extras_of(made)


def test_a_method_or_attribute_of_the_users_own_is_never_taken_for_an_ability() -> None:
    made: Any = ModuleTask(mlp(2, 3), nn.functional.cross_entropy)
    for name in Abilities.__dataclass_fields__:
        setattr(made, name, lambda *given: pytest.fail("called"))
    assert replace(abilities_of(made), bind=None, constant_baselines=None) == Abilities()
    made.abilities = ["swim"]
    assert abilities_of(made) == Abilities()
