"""The text that stands for an optimiser or a schedule of the caller's."""

import functools
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingLR, MultiStepLR, StepLR

from sonde.core.config import OptimConfig, flat
from sonde.core.errors import ConfigError
from sonde.core.given_object import GivenObject, as_setting, text_of


def parameters() -> list[nn.Parameter]:
    return [nn.Parameter(torch.zeros(2)), nn.Parameter(torch.zeros(3))]


def halved(step: int) -> float:
    return 0.5 ** (step / 10)


SGD = torch.optim.SGD(parameters(), lr=0.1)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (torch.optim.RAdam, "torch.optim.RAdam"),
        (StepLR, "torch.optim.lr_scheduler.StepLR"),
        (functools.partial(torch.optim.SGD, lr=0.1, momentum=0.9), "torch.optim.SGD(lr=0.1, momentum=0.9)"),
        (torch.optim.Adam(parameters(), lr=1e-2, betas=(0.5, 0.9)), "torch.optim.Adam(lr=0.01, betas=(0.5, 0.9))"),
        (
            torch.optim.SGD([{"params": [p], "lr": 0.1 * i} for i, p in enumerate(parameters(), 1)], momentum=0.9),
            "torch.optim.SGD(2 groups: lr=0.1, momentum=0.9; lr=0.2, momentum=0.9)",
        ),
        (StepLR(SGD, 30), "torch.optim.lr_scheduler.StepLR(step_size=30)"),
        (CosineAnnealingLR(SGD, 9, 1e-4), "torch.optim.lr_scheduler.CosineAnnealingLR(T_max=9, eta_min=0.0001)"),
        (MultiStepLR(SGD, [2, 4]), "torch.optim.lr_scheduler.MultiStepLR(milestones={2: 1, 4: 1})"),
    ],
)
def test_what_it_was_made_with_stands_in_its_text(value: Any, text: str) -> None:
    assert text_of(value) == text


def test_two_functions_of_one_name_are_told_apart_by_what_they_give() -> None:
    one = as_setting("schedule", halved)
    other = [as_setting("schedule", lambda step: 1.0), as_setting("schedule", lambda step: 0.5)]
    assert str(one).endswith("halved (0: 1, 10: 0.5, 100: 0.000976562, 1000: 7.88861e-31, 10000: 9.33264e-302)")
    assert other[0] != other[1]
    assert as_setting("schedule", lambda optimizer: StepLR(optimizer, 3)).text.endswith(
        "<lambda>"
    )  # no number of a step


def test_names_and_other_settings_are_left_alone_and_nothing_else_is_taken() -> None:
    assert (as_setting("optimizer", "adam"), as_setting("schedule", None), as_setting("lr", SGD)) == ("adam", None, SGD)
    with pytest.raises(ConfigError, match="optimizer= takes a name .* not a float$"):
        as_setting("optimizer", 0.1)
    with pytest.raises(ConfigError, match="not a list; several of them belong to the phases"):
        as_setting("optimizer", [SGD])


def test_it_is_one_setting_of_a_config() -> None:
    given = GivenObject("torch.optim.RAdam", torch.optim.RAdam)
    assert flat(OptimConfig(optimizer=given))["optimizer"] is given
    assert repr(given) == "torch.optim.RAdam"
