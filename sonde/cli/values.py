"""A flag's value in its field's type. tyro converts; what it refuses becomes a one-line error of ours."""

import contextlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import make_dataclass
from typing import Any, get_args, get_origin

from sonde.core.bounds import flag
from sonde.core.errors import ConfigError, unknown
from sonde.core.value_types import expected, near_choice

Flags = Mapping[str, Any]
"""Leaf name -> annotation of its field."""


def to_types(named: Sequence[tuple[str, str]], flags: Flags) -> list[Any]:
    """Each (leaf name, text) as one value of the leaf's type, or of a list's element.

    Raises: ConfigError naming the flag, the value and what is expected
    """
    kinds = [element(flags[name]) for name, _ in named]
    values = _through_tyro([text for _, text in named], kinds)
    if values is not None:
        return values
    for (name, text), kind in zip(named, kinds, strict=True):
        if not fits(text, kind):
            raise ConfigError(f"{flag(name)} expects {expected(flags[name])}, got {text!r}{near_choice(text, kind)}")
    raise AssertionError(f"tyro took each of {named} alone but not together")


def from_file(name: str, value: Any, flags: Flags, file: str) -> Any:
    """A value from YAML in its leaf's type, with the same care as a typed one.

    Raises: ConfigError naming the file and the setting
    """
    if name not in flags:
        raise ConfigError(f"{file}: {unknown('setting', name, flags)}")
    kind = flags[name]
    if is_switch(kind):
        if not isinstance(value, bool):
            raise ConfigError(f"{file}: {name} expects true or false, got {value!r}")
        return value
    if isinstance(value, list) != takes_list(kind) or isinstance(value, bool | dict):
        raise ConfigError(
            f"{file}: {name} expects {'a list of ' if takes_list(kind) else ''}{expected(kind)}, got {value!r}"
        )
    try:
        items = to_types([(name, str(item)) for item in (value if isinstance(value, list) else [value])], flags)
    except ConfigError as error:
        raise ConfigError(f"{file}: {error}") from None
    return tuple(items) if takes_list(kind) else items[0]


def fits(text: str, kind: Any) -> bool:
    """Whether `text` can be a value of type `kind`."""
    return _through_tyro([text], [kind]) is not None


def is_switch(annotation: Any) -> bool:
    """Whether a flag takes no value, and has a --no- of its own; of `bool | None` neither is the default."""
    return annotation in (bool, bool | None)


def takes_list(annotation: Any) -> bool:
    """Whether a flag takes any number of words."""
    return get_origin(annotation) is tuple


def element(annotation: Any) -> Any:
    """The type of one value of a flag."""
    return get_args(annotation)[0] if takes_list(annotation) else annotation


def _through_tyro(texts: Sequence[str], kinds: Sequence[Any]) -> list[Any] | None:
    """Each text in its type; None where tyro refuses one. Its own message, a box, is not shown: ours fits on a line."""
    if not texts:
        return []
    import tyro

    names = [f"value{place}" for place in range(len(texts))]
    kind = make_dataclass("Typed", list(zip(names, kinds, strict=True)))
    words = [f"--{name}={text}" for name, text in zip(names, texts, strict=True)]
    silence = io.StringIO()
    with contextlib.redirect_stderr(silence), contextlib.redirect_stdout(silence):
        try:
            typed = tyro.cli(kind, args=words, console_outputs=False)
        except SystemExit:
            return None
    return [getattr(typed, name) for name in names]
