"""Optimisers and schedules of a run that were objects of the caller's, made again to try things on: from the text in config.yaml
where that says all of them, else from what the caller gives once more, else replaced.
"""

import ast
import functools
import inspect
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer, lr_scheduler

from sonde.core.config_file import SavedConfig
from sonde.core.errors import ConfigError
from sonde.core.given_object import TAKES, GivenObject, as_setting, text_of

CALL = re.compile(r"(?P<room>torch\.optim(?:\.lr_scheduler)?)\.(?P<kind>\w+)(?:\((?P<given>.*)\))?", re.DOTALL)
ROOMS: Mapping[str, tuple[Any, type]] = {
    "torch.optim": (torch.optim, Optimizer),
    "torch.optim.lr_scheduler": (lr_scheduler, lr_scheduler.LRScheduler),
}
STAND_IN = {"optimizer": "adam", "lr": 1e-3, "weight_decay": 0.0, "schedule": "constant", "schedule_every": None}
"""What is trained with where the run's own cannot be had: Adam as the probes have it."""


def with_objects(
    saved: SavedConfig, given: Mapping[str, Any], *, partly: bool = False
) -> tuple[SavedConfig, tuple[str, ...]]:
    """(settings with objects instead of their texts, texts of those that are replaced).

    given: "optimizer" and "schedule" as the caller gives them once more, None for those that are not given
    partly: whether the optimiser was of some parameters alone, which its text does not say
    Raises: ConfigError for one that is not the run's
    """
    values, lost = dict(saved.settings), list[str]()
    for name in TAKES:
        text = str(values.get(name))
        if given.get(name) is not None:
            values[name] = as_setting(name, given[name])
            if str(values[name]) != text:
                raise ConfigError(
                    f"{name}={values[name]}: the run was trained with {text}; give that, or leave {name}= out"
                )
        elif is_object(text):
            unknown = partly and name == "optimizer"
            values[name] = None if unknown else made_again(text, optimizer=values["optimizer"])
            if values[name] is None:
                lost.append(f"{name} {text}")
                values |= (
                    STAND_IN
                    if name == "optimizer"
                    else {name: STAND_IN[name] for name in ("schedule", "schedule_every")}
                )
                if name == "optimizer":
                    break  # a schedule of torch's belongs to it
    return replace(saved, settings=values), tuple(lost)


def is_object(text: str) -> bool:
    """Whether what config.yaml says is the text of an object, and no name of a setting.

    >>> is_object("adamw"), is_object("torch.optim.AdamW"), is_object("__main__.make")
    (False, True, True)
    """
    return "." in text or "(" in text


def made_again(text: str, *, optimizer: Any = None) -> GivenObject | None:
    """A class of torch's with what it was made with, where the text says all of that: what is made of it has the same text.

    optimizer: of a scheduler;  None for functions of a program, groups, and schedulers that need what their text leaves out
    """
    found = CALL.fullmatch(text)
    room, base = ROOMS[found["room"]] if found else (None, object)
    kind = getattr(room, found["kind"], None) if found else None
    if found is None or not isinstance(kind, type) or not issubclass(kind, base):
        return None
    if found["given"] is None:
        return GivenObject(text, kind)
    try:
        call = ast.parse(f"f({found['given']})", mode="eval").body
        assert isinstance(call, ast.Call)
        args = [ast.literal_eval(each) for each in call.args]
        settings = {str(each.arg): ast.literal_eval(each.value) for each in call.keywords}
    except (SyntaxError, ValueError, AssertionError):  # of what is no literal, such as a name of a function
        return None
    known = inspect.signature(kind).parameters  # of groups, a class may hold what it does not take
    made = functools.partial(kind, *args, **{name: value for name, value in settings.items() if name in known})
    return GivenObject(text, made) if _is_exact(made, text, optimizer) else None


def _is_exact(made: functools.partial[Any], text: str, optimizer: Any) -> bool:
    """Whether what is made has that text, and a scheduler leaves the rate of its optimiser: else that text tells a rate which
    the scheduler had changed already, or one that it had not."""
    alone = text_of(made) == text
    try:
        if isinstance(made.func, type) and issubclass(made.func, Optimizer):
            settings = {} if "lr" in made.keywords else {"lr": 1e-3}
            return text_of(made([nn.Parameter(torch.zeros(1))], **settings)) == text or alone
        own = isinstance(optimizer, GivenObject) and "lr=" in optimizer.text
        under = _on_one_number(optimizer) if own else torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
        before = under.param_groups[0]["lr"]
        scheduler = made(under)
        return (text_of(scheduler) == text or alone) and (not own or under.param_groups[0]["lr"] == before)
    except (TypeError, ValueError, KeyError, AttributeError):
        return False


def _on_one_number(optimizer: GivenObject) -> Optimizer:
    value, number = optimizer.value, [nn.Parameter(torch.zeros(1))]
    return torch.optim.SGD(number, lr=value.param_groups[0]["lr"]) if isinstance(value, Optimizer) else value(number)
