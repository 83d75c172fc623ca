"""What kind of value a setting takes, derived from its annotation. Free of torch."""

import functools
import numbers
import operator
import os
import re
import types
from collections.abc import Mapping
from dataclasses import fields
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from sonde.core.errors import ConfigError, nearest
from sonde.core.given_object import GivenObject

LONGEST, LONGEST_TEXT = 60, 200  # characters of a value that an error shows; text may be a path


def suited(name: str, value: Any, annotation: Any) -> Any:
    """`value` as a setting's annotation has it: a list or a single value where a tuple stands, numpy's numbers as Python's,
    paths and torch's devices as text.

    Raises: ConfigError naming the setting and what it takes, with the nearest choice

    >>> suited("hidden", [256, 128], tuple[int, ...]), suited("epochs", 5, float | None)
    ((256, 128), 5)
    """
    if isinstance(value, GivenObject):
        return value  # made for settings that take one only, see `as_setting`
    if get_origin(annotation) is tuple:
        items = value if isinstance(value, list | tuple) else (value,)
        return tuple(suited(name, item, get_args(annotation)[0]) for item in items)
    plain = os.fspath(value) if isinstance(value, os.PathLike) else _python_number(value)
    if (type(value).__module__, type(value).__name__) == ("torch", "device"):
        plain = str(value)
    if not any(_is(plain, kind) for kind in _choices(annotation)):
        near = near_choice(str(value), annotation) if isinstance(value, str | int) else ""
        raise ConfigError(f"--{name.replace('_', '-')} expects {expected(annotation)}, got {in_short(value)}{near}")
    return plain


def in_short(value: Any) -> str:
    """A value in one line of an error, cut where it is long: a tensor's may fill a page.

    >>> in_short("8"), in_short(list(range(100)))
    ("'8'", '[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1…')
    """
    line, most = " ".join(repr(value).split()), LONGEST_TEXT if isinstance(value, str) else LONGEST
    return line if len(line) <= most else line[:most] + "…"


@cache
def annotations(kind: type) -> Mapping[str, Any]:
    """Setting -> annotation of what can be typed; fields that hold other classes' settings are none themselves."""
    hints = {name: _typed(hint) for name, hint in get_type_hints(kind).items()}
    return {e.name: hints[e.name] for e in fields(kind) if e.init and not e.metadata.get("holds_settings")}


def _typed(annotation: Any) -> Any:
    """An annotation without the objects that only a program can hand over."""
    parts = _choices(annotation)
    if GivenObject not in parts:
        return annotation
    return functools.reduce(operator.or_, (part for part in parts if part is not GivenObject))


def expected(annotation: Any) -> str:
    """What a setting takes, in words.

    >>> expected(float), expected(int | None), expected(tuple[int, ...]), expected(float | Literal["auto"])
    ('a number', 'a whole number', 'whole numbers', 'a number or auto')
    """
    if get_origin(annotation) is tuple:
        kind = get_args(annotation)[0]
        return {int: "whole numbers", float: "numbers", str: "names"}.get(kind, f"any of {expected(kind)}")
    if get_origin(annotation) in (Union, types.UnionType):
        return " or ".join(expected(part) for part in get_args(annotation) if part is not type(None))
    if get_origin(annotation) is Literal:
        choices = [str(choice) for choice in get_args(annotation)]
        return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"
    return {int: "a whole number", float: "a number", str: "text", bool: "yes or no"}.get(annotation, str(annotation))


def _choices(annotation: Any) -> tuple[Any, ...]:
    """The parts of a union, or the annotation alone."""
    return get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)


def _is(value: Any, kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return isinstance(value, str) and value in get_args(kind)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return kind is Any or isinstance(value, get_origin(kind) or kind)


def _python_number(value: Any) -> Any:
    """numpy's numbers as Python's, which alone can be written down; anything else as it is."""
    if isinstance(value, bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


def near_choice(value: str, annotation: Any) -> str:
    """What to say of the choice most like `value`; nothing where none is.

    >>> near_choice("adamx", Literal["adam", "sgd"])
    '; did you mean adam?'
    """
    choices = [str(c) for part in _choices(annotation) if get_origin(part) is Literal for c in get_args(part)]
    first = re.split(r"[-_ ]", value.lower())[0]  # of Lightning's "bf16-mixed" and "16-mixed"
    alike = [choice for choice in choices if choice == first or (first.isdigit() and choice.endswith(first))]
    near = alike or nearest(value.lower(), choices, count=1)
    return f"; did you mean {' or '.join(near)}?" if near else ""
