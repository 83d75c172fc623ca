"""Outputs that are objects with tensors as attributes: a dataclass, a namespace, one of a class of the caller's own."""

import copy
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

DEEPEST = 6
"""Objects inside objects are looked into so far: one may hold whatever holds it."""


def attributes_of(value: Any) -> dict[str, Any] | None:
    """The attributes of an object, where tensors are among them; None for anything else, such as a number or a network."""
    if isinstance(value, Tensor | nn.Module | type | str | bytes | int | float | complex) or value is None:
        return None
    slots = [name for kind in type(value).__mro__ for name in _slots(kind)]
    found = {name: getattr(value, name) for name in slots if hasattr(value, name)} | dict(
        getattr(value, "__dict__", {})
    )
    return found if any(holds_tensor(part) for part in found.values()) else None


def holds_tensor(value: Any, depth: int = 0) -> bool:
    """Whether there is a tensor in what an output consists of."""
    if isinstance(value, Tensor):
        return True
    if depth > DEEPEST or isinstance(value, nn.Module | type | str | bytes):
        return False
    if isinstance(value, Mapping):
        parts: list[Any] = list(value.values())
    elif isinstance(value, list | tuple):
        parts = list(value)
    else:
        parts = list(getattr(value, "__dict__", {}).values())
    return any(holds_tensor(part, depth + 1) for part in parts)


def with_attributes(like: Any, held: Mapping[str, Any]) -> Any:
    """A copy of an object with other attributes, which a frozen one has too."""
    made = copy.copy(like)
    for name, value in held.items():
        object.__setattr__(made, name, value)
    return made


def _slots(kind: type) -> tuple[str, ...]:
    named = kind.__dict__.get("__slots__", ())
    return tuple(name for name in ((named,) if isinstance(named, str) else tuple(named)) if not name.startswith("__"))
