"""Ordinary mistakes in a task of one's own, found before anything is computed."""

import inspect
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from sonde.core.errors import ConfigError
from sonde.core.seams import Loss, Phase, as_loss


def check_task(task: Any) -> None:
    """Raises: ConfigError for phases that are none, and a method after_step that takes no record"""
    name, phases = type(task).__name__, task.phases
    if isinstance(phases, Phase):
        raise ConfigError(f"{name}.phases is a single Phase; make it a list: [sonde.Phase(…)]")
    if isinstance(phases, Mapping | str | Tensor | nn.Module) or not hasattr(phases, "__len__"):
        raise ConfigError(f"{name}.phases is a {type(phases).__name__}; make it a list: [sonde.Phase(…)]")
    if not len(phases):
        raise ConfigError(
            f"{name}.phases is empty; give at least one sonde.Phase, or leave phases out and write loss(batch)"
        )
    for phase in phases:
        if not isinstance(phase, Phase):
            raise ConfigError(
                f"{name}.phases holds a {type(phase).__name__}; make it sonde.Phase(name=…, loss=…, trains=[…])"
            )
    after = getattr(task, "after_step", None)
    if after is not None and not _takes_one(after):
        raise ConfigError(f"{name}.after_step is called with the step's record; write it as after_step(self, record)")


def check_module(module: nn.Module) -> None:
    """Raises: ConfigError for a network without a forward"""
    if getattr(type(module), "forward", None) is nn.Module.forward and "forward" not in vars(module):
        listed = isinstance(module, nn.ModuleList | nn.ModuleDict)
        hint = "; nn.Sequential(*modules) calls them one after the other" if listed else ""
        raise ConfigError(f"{type(module).__name__} has no forward(…) and cannot be called{hint}")


def evaluated_loss(phase: Phase, found: Any, rows: int) -> Loss:
    """What a phase's loss returned on validation rows. Raises: ConfigError for what is no loss"""
    loss = as_loss(found, rows)
    if not isinstance(loss, Loss) or not isinstance(loss.value, Tensor) or loss.value.numel() != 1:
        value = loss.value if isinstance(loss, Loss) else loss
        raise ConfigError(
            f"phase {phase.name!r}: the loss is {in_words(value)}; it must be a scalar tensor, the mean over the rows, or a "
            'sonde.Loss, or a dict with "loss"'
        )
    return loss


def in_words(value: Any) -> str:
    """What a function returned."""
    if isinstance(value, Tensor):
        return f"a tensor of shape {tuple(value.shape)}"
    if isinstance(value, Mapping):
        return f"a dict of {', '.join(map(repr, value)) or 'nothing'}"
    return "None" if value is None else f"a {type(value).__name__}"


def _takes_one(function: Any) -> bool:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # of a function in C, which says nothing
        return True
    try:
        signature.bind(None)
    except TypeError:
        return False
    return True
