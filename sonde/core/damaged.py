"""What stands in a run folder, read with doubt: a file that is damaged is named in one line, with the way on. Free of torch."""

import math
import re
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from sonde.core.errors import RunFolderError, SondeError, first_line
from sonde.core.files import read_json

DAMAGE = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError, AssertionError)
"""What contents lead to that are not what was written there; a recursion, where they are nested too deep."""


@contextmanager
def reading(file: Path, *, run: Path, remedy: str = "") -> Iterator[None]:
    """Raise what the content of a file leads to as one line that names it.

    run: the folder it belongs to;  remedy: what to do, where that is not to restore it or to start over
    Raises: RunFolderError
    """
    try:
        yield
    except SondeError:
        raise
    except FileNotFoundError:
        raise RunFolderError(f"{file} is missing; {remedy or way_on(run)}") from None
    except OSError as error:
        raise RunFolderError(f"{file} cannot be read ({error.strerror or error}); {remedy or way_on(run)}") from None
    except DAMAGE as error:
        raise RunFolderError(f"{file} is damaged ({_short(error)}); {remedy or way_on(run)}") from error


def way_on(run: Path) -> str:
    """What to do about a file that cannot be made up for."""
    return f"restore it from a copy of the run, or {anew(run)}"


def anew(run: Path) -> str:
    """How a run is begun again from its settings."""
    return f"train again: sonde train --config {run} --out {run} --fresh (from Python: the same call with fresh=True)"


@contextmanager
def going_on(run: Path) -> Iterator[None]:
    """Errors of the body that say to start over with --fresh, which resume has not, name the command that has it instead."""
    try:
        yield
    except SondeError as error:
        told = re.sub("(start over|restart) with --fresh$", lambda _: anew(run), str(error))
        error.args = (told.replace("start over with --fresh, or", f"{anew(run)}, or"),)
        raise


def read_object(file: Path, *, run: Path, remedy: str = "") -> dict[str, Any]:
    """The JSON object in a file of a run. Raises: RunFolderError"""
    with reading(file, run=run, remedy=remedy):
        content = read_json(file)
        if not isinstance(content, dict):
            raise ValueError(f"it holds {_kind(content)} where an object was written")
    return content


def part(content: Mapping[str, Any], name: str, file: Path, *, run: Path) -> dict[str, Any]:
    """An object inside of an object, empty where there is none. Raises: RunFolderError for something else"""
    found = content.get(name, {})
    if not isinstance(found, dict):
        with reading(file, run=run):
            raise ValueError(f"{name} is {_kind(found)} where an object was written")
    return found


def conform(kind: type, entry: Any, *, where: str) -> dict[str, Any]:
    """The values of a dataclass's fields, after a trip through JSON, each of the type it is annotated with.

    Lists become tuples; NaN and infinities are refused, as JSON has no word for them.
    Raises: ValueError naming the value that is of another type

    >>> from sonde.core.dataset import Fact
    >>> conform(Fact, {"what": "a", "why": [1]}, where="facts")
    Traceback (most recent call last):
    ...
    ValueError: facts.why is a list where text was written
    """
    if not isinstance(entry, Mapping):
        raise ValueError(f"{where} is {_kind(entry)} where an object was written")
    hints, known = get_type_hints(kind), {each.name for each in fields(kind)}
    return {
        name: _as(hints[name], value, f"{where}.{name}") if name in known else value for name, value in entry.items()
    }


def _as(hint: Any, value: Any, where: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_as(args[0], item, where) for item in value)
    if origin is Mapping and isinstance(value, Mapping):
        return {name: _as(args[1], item, f"{where}.{name}") for name, item in value.items()}
    if origin in (Union, types.UnionType):
        kinds = [each for each in args if each is not type(None)]
        return None if value is None else _as(kinds[0], value, where) if len(kinds) == 1 else value
    if origin is Literal and isinstance(value, str) and value in args:
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if (hint is float and number) or (hint is int and number and value == int(value)):
        return value
    if hint in (str, bool) and isinstance(value, hint):
        return value
    if hint is Any or (origin is None and isinstance(hint, type) and hint not in (str, bool, int, float)):
        return value  # of another dataclass, which is looked at by itself
    raise ValueError(f"{where} is {_kind(value)} where {_kinds(hint)} was written")


def _kinds(hint: Any) -> str:
    named = {str: "text", int: "a whole number", float: "a number", bool: "yes or no"}
    if get_origin(hint) is Literal:
        return f"one of {', '.join(map(str, get_args(hint)))}"
    return named.get(hint, "a list" if get_origin(hint) is tuple else "an object")


def _kind(value: Any) -> str:
    """What kind of JSON a value is, in words."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}" if isinstance(value, float) or abs(value) < 10**9 else "a huge number"
    return "text" if isinstance(value, str) else "an object" if isinstance(value, Mapping) else "a list"


def _short(error: Exception) -> str:
    text = first_line(error)
    return f"{text[:200]}…" if len(text) > 200 else text
