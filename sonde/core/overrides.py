"""Settings given by the user, before recipe and defaults are merged. Free of torch."""

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sonde.core.called_elsewhere import NOT_HERE, THE_DATA
from sonde.core.errors import ConfigError
from sonde.core.given_object import as_setting
from sonde.core.value_types import in_short

BY_GROUP = 'optimizer=torch.optim.Adam([{"params": head}, {"params": body, "lr": 1e-4}], lr=1e-3)'
ELSEWHERE = {
    **NOT_HERE,
    **dict.fromkeys(THE_DATA, "an environment is the data: sonde.train('gym:CartPole-v1')"),
    "param_groups": f"give an optimizer with groups: {BY_GROUP}",
    "lr_scheduler": "schedule= takes a name, a function of the step or a scheduler of torch",
    "scheduler": "schedule= takes a name, a function of the step or a scheduler of torch",
    "optimizers": "optimizer= takes one; several belong to the phases of a sonde.Task: sonde.Phase(optimizer=…)",
    "betas": "give beta1= and beta2=",
    "verbose": "quiet=True leaves out what is printed",
    "compute_metrics": 'give metrics=["accuracy", …], or functions of (output, target)',
    "devices": "one device is used; give device='cuda:0'",
    "strategy": "one device is used; give device='cuda:0'",
    "collate_fn": "give a DataLoader with it, in place of the data",
    "data_collator": "give a DataLoader with it as collate_fn, in place of the data",
    "sampler": "give a DataLoader with it, in place of the data",
    "drop_last": "give a DataLoader with it, in place of the data",
    "fp16": "give precision='fp16'",
    "bf16": "give precision='bf16'",
    "amp": "give precision='bf16' or 'fp16'",
    "shuffle": "data in memory and Datasets are shuffled; for another order give a DataLoader",
    "class_weight": "in sonde.train it is class_weights=; in sonde.fit give them to the loss, such as "
    "torch.nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0]))",
    "sample_weight": "give data with them, (x, y, weight), and a loss of (output, target, weight)",
}
"""Keywords of other libraries that are no setting here, and what to give instead."""


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """Settings that were typed or came from a `--config` file; nothing else.

    values:   leaf name -> value of its field's type
    origin:   leaf name -> "typed" or "file"
    leftover: words no general setting takes, flags of the model's and the task's own, to be parsed once both are known
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=dict)
    model: str | None = None
    task: str | None = None
    leftover: tuple[str, ...] = ()

    def having(self, values: Mapping[str, Any], origin: str = "typed") -> "Overrides":
        """The same with other values of some settings."""
        origins = {**self.origin, **dict.fromkeys(values, origin)}
        return replace(self, values={**self.values, **values}, origin=origins)


def from_keywords(settings: Mapping[str, Any], *, model: str | None = None, task: str | None = None) -> Overrides:
    """Overrides from the keyword arguments of a Python call, where a list does for a tuple and a Path or a device for its text.

    Raises: ConfigError for what other libraries take and this one does not, with what to give instead
    """
    if isinstance(lr := settings.get("lr"), list | tuple | slice):
        raise ConfigError(f"lr= takes one number, got {in_short(lr)}; for rates of layers give {BY_GROUP}")
    refuse_data(settings)
    values = {name: _as_typed(as_setting(name, value)) for name, value in settings.items()}
    named = [name for name, value in (("model", model), ("task", task)) if value]
    return Overrides(values=values, origin=dict.fromkeys([*values, *named], "typed"), model=model, task=task)


def refuse_data(settings: Mapping[str, Any]) -> None:
    """Raises: ConfigError for data in place of a setting, which are told apart by not being text or a number"""
    for name in ("validation", "test"):
        if not isinstance(settings.get(name), str | int | float | numbers.Number | None):
            raise ConfigError(
                f"{name}= is the share of the rows to keep; give data of their own in a dict: "
                f'sonde.train({{"train": …, "{name}": …}}, …)'
            )
    if isinstance(weights := settings.get("class_weights"), Mapping):
        raise ConfigError(
            f"class_weights= takes 'balanced', or a number for each class in the order of run.classes, which the screen shows, "
            f"such as {[float(value) for value in weights.values() if isinstance(value, int | float)]}"
        )
    target = settings.get("target")
    names = [target] if isinstance(target, str | None) else target
    if not isinstance(names, list | tuple) or not all(isinstance(name, str | None) for name in names):
        raise ConfigError("target= takes names of columns; give targets beside the inputs, (x, y)")


def _as_typed(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    is_device = (type(value).__module__, type(value).__name__) == ("torch", "device")
    return str(value) if isinstance(value, Path) or is_device else value
