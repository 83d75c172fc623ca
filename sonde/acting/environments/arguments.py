"""Arguments of environments, as names have them: `gym:FrozenLake-v1(is_slippery=False, map_name=8x8)`."""

import ast
import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sonde.core.errors import DataError, nearest

FORM = "NAME(key=value, …)"
WORD = re.compile(r"[A-Za-z0-9_./:+-]*[A-Za-z_/:][A-Za-z0-9_./:+-]*")  # with something that no number has
MEANT = {"true": "True", "false": "False", "none": "None", "null": "None"}  # of what other languages call so
PAIRS = {"(": ")", "[": "]", "{": "}"}


def parted(name: str, source: str) -> tuple[str, dict[str, Any]]:
    """A name without its arguments, and these. source: what a person wrote, for errors

    >>> parted("FrozenLake-v1(is_slippery=False, map_name=8x8)", "")
    ('FrozenLake-v1', {'is_slippery': False, 'map_name': '8x8'})

    Raises: DataError for what cannot be read
    """
    short, given = as_written(name)
    if not given:
        return short, {}
    if not given.endswith(")"):
        raise DataError(f"{source}: its arguments do not end with ')'; write {FORM}")
    found: dict[str, Any] = {}
    for part in _split(given[1:-1], source):
        key, equals, value = (each.strip() for each in part.partition("="))
        if not equals or not key.isidentifier():
            raise DataError(f"{source}: {part.strip() or 'nothing'} is no argument of the form key=value; write {FORM}")
        if key in found:
            raise DataError(f"{source}: {key} is given twice; give it once")
        found[key] = _value(value, key, source)
    return short, found


def as_written(name: str) -> tuple[str, str]:
    """A name without its arguments, and these as they are written, with their parentheses.

    >>> as_written("Maze(size=5)"), as_written("Maze")
    (('Maze', '(size=5)'), ('Maze', ''))
    """
    short, opened, rest = name.partition("(")
    return short, opened + rest


def joined(name: str, arguments: Mapping[str, Any]) -> str:
    """What `parted` takes apart.

    >>> joined("Maze-v0", {"size": 5, "rows": ["SF", "HG"]}), joined("Maze-v0", {})
    ("Maze-v0(size=5, rows=['SF', 'HG'])", 'Maze-v0')
    """
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in arguments.items())})" if arguments else name


def check_taken(made_by: Callable[..., Any], given: Sequence[str], source: str, *, hidden: Sequence[str] = ()) -> None:
    """hidden: parameters that are not for a person to give

    Raises: DataError for arguments that a class or function does not take, with those that it does, where its signature tells
    """
    try:
        parameters = inspect.signature(made_by).parameters.values()
    except (TypeError, ValueError):  # of what is not written in Python
        return
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return
    taken = [each.name for each in parameters if each.kind in (each.POSITIONAL_OR_KEYWORD, each.KEYWORD_ONLY)]
    names = [each for each in taken if each not in hidden]
    for key in given:
        if key not in names:
            near = nearest(key, names)
            did = f"; did you mean {near[0]}?" if near else ""
            raise DataError(f"{source}: there is no argument {key}{did} (it takes {', '.join(names) or 'none'})")


def _value(text: str, key: str, source: str) -> Any:
    """Of a Python literal, or a bare word; lists and tuples of these. Raises: DataError"""
    if text[:1] in ("[", "(") and text.endswith(PAIRS[text[0]]):
        inside = [_value(part.strip(), key, source) for part in _split(text[1:-1], source)]
        if text[0] == "[":
            return inside
        return tuple(inside) if len(inside) != 1 or text[:-1].rstrip().endswith(",") else inside[0]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        pass
    if meant := MEANT.get(text.lower()):
        raise DataError(
            f"{source}: {key}={text} is no value of Python; write {key}={meant}, or {key}='{text}' for the word"
        )
    if WORD.fullmatch(text):
        return text
    raise DataError(
        f"{source}: {key}={text} cannot be read; a value is a number, True, False, None, a word or 'text', or a list of these"
    )


def _split(text: str, source: str) -> list[str]:
    """Between commas that stand in no brackets or quotes; a last comma is followed by nothing. Raises: DataError"""
    parts, begun = [], 0
    for at in _commas(text, source):
        parts.append(text[begun:at])
        begun = at + 1
    rest = text[begun:]
    return [*parts, rest] if rest.strip() else parts


def _commas(text: str, source: str) -> Iterator[int]:
    """Places of those commas. Raises: DataError for brackets or quotes that do not end"""
    closing, quote, skipped = [], "", False
    for at, sign in enumerate(text):
        if skipped:
            skipped = False
        elif quote:
            skipped = sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in PAIRS:
            closing.append(PAIRS[sign])
        elif sign in PAIRS.values():
            if not closing or closing.pop() != sign:
                raise DataError(f"{source}: there is a {sign} too many in its arguments; write {FORM}")
        elif sign == "," and not closing:
            yield at
    if closing or quote:
        raise DataError(f"{source}: {closing[-1] if closing else quote} is missing in its arguments; write {FORM}")
