"""What `sonde VERB --help` prints: each flag with its type, explanation and default, from the fields' docstrings."""

import dataclasses
import re
import types
from collections.abc import Container, Mapping, Sequence
from dataclasses import field, fields, make_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from sonde.cli.values import is_switch, takes_list
from sonde.core.given_object import GivenObject
from sonde.core.value_types import annotations


def show_flags(usage: str, about: str, groups: Mapping[str, type], *, only: Container[str] | None = None) -> None:
    """Print the help of a command: its usage, what it does, and each flag with its type, explanation and default.

    groups: title -> dataclass whose fields are flags; their docstrings explain them
    only: names of the fields to show, by default all
    """
    import tyro

    shown = {re.sub(r"\W", "_", title): _partly(kind, only) for title, kind in groups.items()}  # names of fields
    everything = make_dataclass("Flags", [(name, kind, field(default_factory=kind)) for name, kind in shown.items()])
    registry = tyro.constructors.ConstructorRegistry()
    registry.primitive_rule(_in_plain_words)
    config = (tyro.conf.OmitArgPrefixes,)
    try:
        tyro.cli(
            everything, prog=f"sonde {usage}", description=about, args=["--help"], config=config, registry=registry
        )
    except SystemExit:  # how tyro ends after its help
        return


def _partly(kind: type, only: Container[str] | None) -> type:
    """The dataclass with all fields but `only` hidden from the help; it inherits so that docstrings are still found."""
    flags = annotations(kind)
    hints = get_type_hints(kind)
    hide = [e for e in fields(kind) if e.name not in flags or (only is not None and e.name not in only)]
    if not hide:
        return kind
    from tyro.conf import Suppress

    hidden = [(e.name, Suppress[hints[e.name]], e) for e in hide]
    again = [(name, hint, field(default=e.default)) for name, hint, e in hidden]
    return make_dataclass(
        kind.__name__, again, bases=(kind,), namespace={"__doc__": kind.__doc__}, frozen=True, kw_only=True
    )


def _in_plain_words(info: Any) -> Any:
    """How a flag's type and default are written in the help; nothing is parsed with it."""
    from tyro.constructors import PrimitiveConstructorSpec

    annotation = info.type
    if annotation is bool or dataclasses.is_dataclass(annotation):
        return None
    return PrimitiveConstructorSpec(
        nargs="*" if takes_list(annotation) else 0 if is_switch(annotation) else 1,
        metavar="" if is_switch(annotation) else placeholder(annotation),
        instance_from_str=lambda words: words,
        is_instance=lambda value: True,
        str_from_instance=_default,
    )


def placeholder(annotation: Any) -> str:
    """What stands for a flag's value.

    What no command line can give, such as an object, has none.

    >>> placeholder(float | Literal["auto"]), placeholder(int | None), placeholder(tuple[str, ...]), placeholder(Path)
    ('NUMBER|auto', 'INTEGER', 'NAME …', 'PATH')
    """
    if takes_list(annotation):
        element = get_args(annotation)[0]
        return f"{'NAME' if element is str else placeholder(element)} …"
    if get_origin(annotation) in (Union, types.UnionType):
        parts = [part for part in get_args(annotation) if part not in (type(None), GivenObject)]
        return "|".join(placeholder(part) for part in parts)
    if get_origin(annotation) is Literal:
        return "|".join(map(str, get_args(annotation)))
    return {float: "NUMBER", int: "INTEGER", str: "TEXT", Path: "PATH"}.get(annotation, "VALUE")


def _default(value: Any) -> list[str]:
    if value is None or value in ((), ""):
        return ["unset"]
    words: Sequence[Any] = value if isinstance(value, tuple) else (value,)
    return [f"{word:g}" if isinstance(word, float) else str(word) for word in words]
