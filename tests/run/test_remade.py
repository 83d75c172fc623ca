"""Optimisers and schedules of the caller's are made again where their text says all of them, and replaced where it does not."""

import functools
from pathlib import Path
from typing import Any

import pytest
import torch
from sample_examined import CLASSES, QUIET, ROWS
from torch import nn
from torch.nn import functional as F
from torch.optim import SGD, AdamW, NAdam, lr_scheduler

import sonde
from sonde.core.errors import ConfigError
from sonde.core.given_object import GivenObject, text_of
from sonde.run.remade import made_again


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 4))


def number() -> list[nn.Parameter]:
    return [nn.Parameter(torch.zeros(1))]


def sgd(parameters: Any) -> torch.optim.Optimizer:
    return SGD(parameters, lr=0.1)


@pytest.mark.parametrize(
    "given",
    [
        AdamW,
        AdamW(number(), lr=0.01, weight_decay=10.0, betas=(0.8, 0.9)),
        functools.partial(NAdam, weight_decay=0.1),
        SGD(number(), lr=0.1, momentum=0.9, nesterov=True),
    ],
)
def test_an_optimizer_by_its_text(given: Any) -> None:
    found = made_again(text_of(given))
    assert found is not None
    assert found.text == text_of(given)
    settings = {} if isinstance(given, torch.optim.Optimizer) else {"lr": 0.02}
    kind: Any = given if callable(given) else None
    made = found.value(number(), **settings)
    expected: Any = kind(number(), lr=0.02) if kind else given
    wanted = expected.param_groups[0]
    assert {n: v for n, v in made.param_groups[0].items() if n != "params"} == {
        n: v for n, v in wanted.items() if n != "params"
    }


@pytest.mark.parametrize(
    ("kind", "settings", "exact"),
    [
        (lr_scheduler.StepLR, {"step_size": 3, "gamma": 0.5}, True),
        (lr_scheduler.MultiStepLR, {"milestones": [1, 4]}, True),
        (lr_scheduler.LinearLR, {}, False),  # the rate of the optimiser's text is a third of the one it was made with
        (lr_scheduler.OneCycleLR, {"max_lr": 0.1, "total_steps": 40}, False),  # whose text leaves max_lr out
        (lr_scheduler.LambdaLR, {"lr_lambda": lambda step: 0.5**step}, False),
    ],
)
def test_a_scheduler_by_its_text(kind: Any, settings: dict[str, Any], exact: bool) -> None:
    optimizer = SGD(number(), lr=0.1)
    scheduler = kind(optimizer, **settings)
    under = made_again(text_of(optimizer))
    found = made_again(text_of(scheduler), optimizer=under)
    assert (found is not None) == exact
    assert found is None or text_of(found.value(SGD(number(), lr=0.1))) == text_of(scheduler)


@pytest.mark.parametrize(
    "text",
    [
        "__main__.make",
        "torch.optim.SGD(2 groups: lr=0.1; lr=0.3)",
        "torch.optim.Nothing",
        "torch.optim.Optimizer(lr=f())",
    ],
)
def test_what_no_text_says(text: str) -> None:
    assert made_again(text) is None


def examined(tmp_path: Path, model: nn.Module, *, again: dict[str, Any] | None = None, **objects: Any) -> Any:
    data = (ROWS, CLASSES)
    sonde.fit(model, data, validation=0.2, loss=F.cross_entropy, out=tmp_path / "run", epochs=2, **QUIET, **objects)
    return sonde.doctor(tmp_path / "run", model=model, data=data, validation=0.2, loss=F.cross_entropy, **(again or {}))


def test_a_run_on_an_optimizer_and_a_scheduler_is_examined(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = net()
    optimizer = AdamW(model.parameters(), lr=0.01)
    schedule = lr_scheduler.StepLR(optimizer, step_size=1)
    found = examined(tmp_path, model, optimizer=optimizer, schedule=schedule)
    assert len(found.trials) == 5
    assert found.seen.context.rate == pytest.approx(0.01)
    assert "is used instead" not in capsys.readouterr().out


@pytest.mark.parametrize("part", [False, True])
def test_adam_stands_in_for_what_only_the_program_can_make(
    part: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = net()
    found = examined(tmp_path, model, optimizer=SGD(model[2].parameters(), lr=0.1) if part else sgd)  # type: ignore[index]
    assert len(found.trials) == 5
    assert found.seen.context.own_rate
    out = capsys.readouterr().out
    assert (
        "sonde.doctor(folder, optimizer=…) takes the optimizer that the run was given; Adam at learning rate 0.001 is "
        "used instead" in out
    )


def test_the_program_can_give_it_once_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = examined(tmp_path, net(), optimizer=sgd, again={"optimizer": sgd})
    assert len(found.trials) == 5
    assert (found.seen.context.optimizer, found.seen.context.rate) == ("sgd", 0.1)
    assert "is used instead" not in capsys.readouterr().out
    with pytest.raises(
        ConfigError, match=r"optimizer=adam: the run was trained with .*sgd; give that, or leave optimizer= out"
    ):
        sonde.doctor(tmp_path / "run", model=net(), data=(ROWS, CLASSES), loss=F.cross_entropy, optimizer="adam")


def test_objects_of_one_text_are_equal() -> None:
    assert made_again("torch.optim.AdamW") == GivenObject("torch.optim.AdamW", AdamW)
