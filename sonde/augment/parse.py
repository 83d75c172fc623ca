"""Policies from text such as "flip,crop=4,cutout=8": the parts that it names, each read by a function of its own."""

from collections.abc import Callable, Mapping
from typing import Any

from sonde.core.errors import ConfigError, unknown

ABOVE_ZERO = 1e-3  # what may be given as a number above 0

Reader = Callable[[str], dict[str, Any]]
"""What stands behind "=" -> fields of the policy. Raises: ValueError for what is no value"""


def read_parts(
    text: str, readers: Mapping[str, tuple[Reader, str]], *, kind: str, defaults: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """The fields of a policy; none for "none" and "".

    readers:  part -> how its value is read, and what to write
    kind:     of augmentation, for errors;  defaults: values of parts that need none
    Raises: ConfigError for an unknown name (with the nearest), a value out of range, a name that comes twice
    """
    chosen: dict[str, Any] = {}
    parts = [part.strip().lower() for part in text.split(",")]
    for part in parts if parts not in (["none"], [""]) else []:
        name, has_value, value = part.partition("=")
        if name not in readers:
            raise unknown(kind, name, readers)
        read, meaning = readers[name]
        try:
            found = read(value if has_value else (defaults or {})[name])
        except (KeyError, ValueError):
            raise ConfigError(f"--augment {part!r}: {meaning}") from None
        if found.keys() & chosen.keys():
            raise ConfigError(f"--augment {text!r} gives {name} twice")
        chosen |= found
    return chosen


def number(field: str, kind: Callable[[str], float], low: float, high: float) -> Reader:
    """A reader of a number of a range."""

    def read(value: str) -> dict[str, Any]:
        found = kind(value)
        if not low <= found <= high:
            raise ValueError
        return {field: found}

    return read
