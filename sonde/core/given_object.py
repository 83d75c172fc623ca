"""An object of the caller's where a setting usually has a name: an optimiser, a schedule of the rate. Free of torch."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sonde.core.errors import ConfigError

SAMPLED = (0, 10, 100, 1_000, 10_000)  # steps at which a function of the step is told apart from another of its name

TAKES = {
    "optimizer": 'optimizer= takes a name such as "adamw", a torch.optim class, an optimizer over the network\'s '
    "parameters, or a function that makes one of the list of parameters",
    "schedule": 'schedule= takes a name such as "cosine", a function of the 0-based step that gives the share of the peak rate, '
    "or a scheduler of torch: its class, functools.partial(StepLR, step_size=30) or lambda optimizer: StepLR(optimizer, 30)",
}
"""Settings that take an object, and what may be given for them."""

SEVERAL = {
    "optimizer": "; several of them belong to the phases of a sonde.Task: sonde.Phase(optimizer=…)",
    "schedule": "; several of them belong to the phases of a sonde.Task (sonde.Phase(schedule=…)), or into one SequentialLR",
}


class GivenObject:
    """An object and the text that stands for it in config.yaml, on the screen and in errors; two of one text are equal.

    No dataclass: those are groups of settings.
    """

    def __init__(self, text: str, value: Any) -> None:
        self.text, self.value = text, value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GivenObject) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text


def as_setting(name: str, value: Any) -> Any:
    """`value` as a setting holds it: objects with their text; names, and what is for another setting, as they are.

    Raises: ConfigError for what is neither a name nor an object of use
    """
    if name not in TAKES or value is None or isinstance(value, str | GivenObject):
        return value
    if isinstance(value, type) and not hasattr(value, "step"):
        raise ConfigError(f"{TAKES[name]}; not the class {value.__name__}")
    if not (callable(value) or _is_optimizer(value) or _is_scheduler(value)):
        several = SEVERAL[name] if isinstance(value, list | tuple | Mapping) else ""
        raise ConfigError(f"{TAKES[name]}; not a {type(value).__name__}{several}")
    text = text_of(value)
    return GivenObject(text + _samples(value) if name == "schedule" else text, value)


def text_of(value: Any) -> str:
    """An object by its qualified name and what it was made with; equal for what trains equally.

    >>> text_of(functools.partial(dict, a=1))
    'dict(a=1)'
    """
    if isinstance(value, functools.partial):
        given = [*map(_short, value.args), *(f"{name}={_short(item)}" for name, item in value.keywords.items())]
        return f"{text_of(value.func)}({', '.join(given)})"
    if isinstance(value, type) or not (_is_optimizer(value) or _is_scheduler(value)):
        return _name(value if hasattr(value, "__qualname__") else type(value))
    if _is_optimizer(value):
        groups = "; ".join(_hyperparameters(value, group) for group in value.param_groups)
        several = f"{len(value.param_groups)} groups: " if len(value.param_groups) > 1 else ""
        return f"{_name(type(value))}({several}{groups})"
    usual, held = _usual(type(value)), vars(value).items()
    own = (
        (name, item) for name, item in held if name not in _OF_THE_WAY and not name.startswith("_") and _is_plain(item)
    )
    plain = ", ".join(f"{name}={_short(item)}" for name, item in own if name not in usual or usual[name] != item)
    return f"{_name(type(value))}({plain})"


_OF_THE_WAY = ("last_epoch", "base_lrs", "best", "num_bad_epochs", "cooldown_counter", "mode_worse", "verbose")


def _is_optimizer(value: Any) -> bool:
    return not isinstance(value, type) and hasattr(value, "param_groups") and hasattr(value, "step")


def _is_scheduler(value: Any) -> bool:
    return not isinstance(value, type) and hasattr(value, "optimizer") and hasattr(value, "get_last_lr")


def _hyperparameters(optimizer: Any, group: Mapping[str, Any]) -> str:
    """Those that differ from what the class has by itself, the rate always."""
    usual = _usual(type(optimizer))
    shown: Iterator[str] = (
        f"{name}={_short(value)}"
        for name, value in group.items()
        if name == "lr" or (name in optimizer.defaults and _is_plain(value) and usual.get(name) != value)
    )
    return ", ".join(shown)


def _usual(kind: type) -> dict[str, Any]:
    return {name: entry.default for name, entry in inspect.signature(kind).parameters.items()}


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return isinstance(value, bool | int | float | str)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    if isinstance(value, tuple):
        return f"({', '.join(map(_short, value))})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_short(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_short, value))}]"
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:
        return _short(value.item())
    if callable(value):
        return text_of(value)
    return repr(value) if _is_plain(value) or value is None else type(value).__name__


def _name(value: Any) -> str:
    """Module and qualified name; torch's own classes where they are public."""
    module, name = value.__module__, value.__qualname__
    if module.startswith("torch.optim"):
        module = "torch.optim.lr_scheduler" if "lr_scheduler" in module else "torch.optim"
    return name if module == "builtins" else f"{module}.{name}"


def _samples(value: Any) -> str:
    """What a function of the step gives at some steps; nothing for what is none."""
    if isinstance(value, type | functools.partial) or not callable(value):
        return ""
    share_at: Callable[[int], Any] = value
    found = []
    for step in SAMPLED:
        try:
            found.append(f"{step}: {float(share_at(step)):g}")
        except Exception:  # noqa: BLE001  # whatever it is, a function that makes a scheduler raises it of a number
            break
    return f" ({', '.join(found)})" if found else ""


def an_instance(kind: type) -> str:
    """How an instance of a class is made, for a message to who gave the class.

    >>> an_instance(dict), an_instance(type("Net", (), {"__init__": lambda self, width, depth=2: None}))
    ('dict()', 'Net(width=...)')
    """
    try:
        known = inspect.signature(kind).parameters.values()
    except (TypeError, ValueError):  # of classes in C
        return f"{kind.__name__}()"
    needed = [
        f"{each.name}=..."
        for each in known
        if each.default is each.empty and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
    ]
    return f"{kind.__name__}({', '.join(needed)})"
