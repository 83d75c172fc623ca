"""From words to settings. Flags are the fields of frozen dataclasses; sonde.cli.values turns each word into its field's type.

Rules, the same for every verb: dashes and underscores are equivalent; `--flag value` and `--flag=value`; a bool is `--flag` or
`--no-flag`; a list takes all words up to the next flag, commas too (`\\,` for a comma inside a value); a flag that takes one
value and is given two different ones is an error; after `--` every word stands for itself.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sonde.cli.values import Flags, element, fits, is_switch, takes_list, to_types
from sonde.core.bounds import flag
from sonde.core.called_elsewhere import CALLED, NOT_HERE, THE_DATA, called_here, otherwise
from sonde.core.errors import ConfigError, nearest
from sonde.core.value_types import annotations, expected

RENAMED = {"checkpoint-steps": ("checkpoint-every", '--checkpoint-every "500 steps"')}
"""Flags of earlier versions -> (name now, how to write it)."""


@dataclass(frozen=True, kw_only=True)
class Given:
    """One flag as it stands on the line: `values` of a list or a single value, `on` of a bool, which has no values."""

    name: str
    values: tuple[str, ...] = ()
    on: bool = True


@dataclass(frozen=True, kw_only=True)
class Line:
    """A command line taken apart.

    words:   what no flag takes;  given: flags that are known, in order;  unknown: flags that are not, as written
    """

    words: tuple[str, ...]
    given: tuple[Given, ...]
    unknown: tuple[str, ...]


def flags_of(*kinds: type) -> dict[str, Any]:
    """Leaf name -> annotation, over several dataclasses."""
    found: dict[str, Any] = {}
    for kind in kinds:
        found |= annotations(kind)
    return found


def wants_help(words: Sequence[str]) -> bool:
    """Whether the flags ask for help."""
    before = words[: words.index("--")] if "--" in words else words
    return "-h" in before or "--help" in before


def split_line(words: Sequence[str], flags: Flags) -> Line:
    """Tell flags, their values and other words apart. Raises: ConfigError for a bool with a value, a value missing."""
    free: list[str] = []
    given: list[Given] = []
    unknown: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            free += rest
            break
        if not _is_flag(word):
            free.append(word)
            continue
        written, equals, value = word.partition("=")
        name, on = _name(written, flags)
        if name is None:
            unknown.append(written)
            if not equals:
                _following(rest)
            continue
        given.append(Given(name=name, values=_values(name, flags[name], value if equals else None, rest), on=on))
    return Line(words=tuple(free), given=tuple(given), unknown=tuple(unknown))


def convert(given: Iterable[Given], flags: Flags) -> dict[str, Any]:
    """The value of each flag, in its field's type. Raises: ConfigError naming the flag, the value and what is expected."""
    merged = _merged(given, flags)
    named = [(name, text) for name, entry in merged.items() for text in entry.values]
    values: dict[str, Any] = {
        name: entry.on if is_switch(flags[name]) else ()
        for name, entry in merged.items()
        if is_switch(flags[name]) or takes_list(flags[name])
    }
    for (name, _), value in zip(named, to_types(named, flags), strict=True):
        values[name] = (*values[name], value) if takes_list(flags[name]) else value
    return values


def take_data(line: Line, flags: Flags, *, verb: str, optional: bool = False) -> tuple[str | None, Line]:
    """DATA: the only word that no flag takes, or else the last word of the one list that must have swallowed it.

    optional: the data are known otherwise, so that lists keep what they have. Returns the line without it.
    Raises: ConfigError when it is missing or there are several
    """
    usage = f"put it right after the command: sonde {verb} DATA"
    if len(line.words) > 1:
        listed = " and ".join(map(repr, line.words))
        raise ConfigError(f"sonde {verb} takes one DATA argument, got {listed}; {usage}")
    if line.words:
        return line.words[0], line
    if optional:
        return None, line
    lists = [entry for entry in line.given if takes_list(flags[entry.name]) and len(entry.values) > 1]
    certain = [entry for entry in lists if not fits(entry.values[-1], element(flags[entry.name]))]
    textual = [entry for entry in lists if element(flags[entry.name]) is str]
    chosen = certain or textual
    if len(chosen) != 1:
        raise ConfigError(f"sonde {verb} needs DATA: a path or a name such as digits; {usage}")
    shorter = Given(name=chosen[0].name, values=chosen[0].values[:-1])
    given = tuple(shorter if entry is chosen[0] else entry for entry in line.given)
    return chosen[0].values[-1], Line(words=(), given=given, unknown=line.unknown)


def take_words(words: Sequence[str], usage: str) -> list[str]:
    """The words of a command, as its usage has them: "eval RUN DATA", "predict RUN INPUT …", "runs [FOLDER]" ("" for none),
    "doctor RUN [DATA]".

    Raises: ConfigError saying which is missing, or what is too much
    """
    verb, *names = usage.split()
    if names[0].startswith("["):
        if len(words) > 1:
            raise ConfigError(f"sonde {verb} takes at most one {names[0][1:-1]}, got {' and '.join(map(repr, words))}")
        return list(words) or [""]
    fewest = len(names) - ("…" in names) - names[-1].startswith("[")
    if len(words) < fewest:
        raise ConfigError(f"sonde {verb} needs {names[len(words)]}; usage: sonde {usage}")
    if len(words) > len(names) and "…" not in names:
        raise ConfigError(f"sonde {verb}: unexpected argument {words[len(names)]!r}; usage: sonde {usage}")
    return list(words)


def refuse_unknown(line: Line, flags: Iterable[str], *, verb: str) -> None:
    """Raises: ConfigError for the first flag that nobody knows, with the nearest that somebody does."""
    if line.unknown:
        raise unknown_flag(line.unknown[0], flags, verb=verb)


def unknown_flag(written: str, flags: Iterable[str], *, verb: str) -> ConfigError:
    """The error for a flag that does not exist."""
    known = {name.replace("_", "-") for name in flags}
    name = written.lstrip("-").replace("_", "-").lower()
    if (now := RENAMED.get(name)) is not None and now[0] in known:
        return ConfigError(f"{written} is now --{now[0]}; write {now[1]}")
    if verb == "train" and name.replace("-", "_") in THE_DATA:
        return ConfigError(f"unknown flag {written}; an environment is the data: sonde train gym:CartPole-v1")
    elsewhere = name.replace("-", "_")
    if verb == "train" and elsewhere in NOT_HERE:
        return ConfigError(f"there is no {written}; {NOT_HERE[elsewhere]}")
    if here := called_here(elsewhere, [each.replace("-", "_") for each in known]):
        meant = " or ".join(f"{flag(each)}{otherwise(elsewhere, each)}" for each in here)
        return ConfigError(f"unknown flag {written}; did you mean {meant}?")
    if verb == "train" and elsewhere in CALLED:
        meant = " or ".join(map(flag, CALLED[elsewhere]))
        return ConfigError(f"unknown flag {written}; here it is called {meant}, which this task or model has not")
    near = nearest(name.removeprefix("no-"), known, count=1)
    hint = f"did you mean --{near[0]}?" if near else f"`sonde {verb} --help` lists all flags"
    return ConfigError(f"unknown flag {written}; {hint}")


def as_words(given: Iterable[Given], flags: Flags) -> tuple[str, ...]:
    """Flags as words that `split_line` takes apart again, whatever their values hold."""
    words: list[str] = []
    for entry in given:
        if is_switch(flags[entry.name]):
            words.append(flag(entry.name) if entry.on else f"--no-{flag(entry.name)[2:]}")
        elif takes_list(flags[entry.name]):
            escaped = (value.replace(",", "\\,") for value in entry.values)  # as `_parts` reads it back
            words.append(f"{flag(entry.name)}={','.join(escaped)}")
        else:
            words.append(f"{flag(entry.name)}={entry.values[0]}")
    return tuple(words)


def _is_flag(word: str) -> bool:
    return word.startswith("-") and word != "-" and not re.match(r"-\.?\d|-(inf|nan)$", word)


def _name(written: str, flags: Flags) -> tuple[str | None, bool]:
    name = written[2:].replace("-", "_") if written.startswith("--") else ""
    if name in flags:
        return name, True
    positive = name.removeprefix("no_")
    return (positive, False) if positive != name and is_switch(flags.get(positive)) else (None, True)


def _values(name: str, annotation: Any, inline: str | None, rest: list[str]) -> tuple[str, ...]:
    if is_switch(annotation):
        if inline is not None:
            raise ConfigError(f"{flag(name)} takes no value; write {flag(name)} or --no-{flag(name)[2:]}")
        return ()
    if takes_list(annotation):
        words = [inline] if inline is not None else _following(rest)
        if not words:
            raise ConfigError(f"{flag(name)} needs {expected(annotation)}; write {flag(name)}= for none")
        return tuple(part for word in words for part in _parts(word))
    if inline is not None:
        return (inline,)
    if not rest or _is_flag(rest[0]):
        raise ConfigError(f"{flag(name)} needs {expected(annotation)}")
    return (rest.pop(0),)


def _following(rest: list[str]) -> list[str]:
    taken: list[str] = []
    while rest and not _is_flag(rest[0]):
        taken.append(rest.pop(0))
    return taken


def _parts(word: str) -> list[str]:
    """Split at commas without a backslash.

    >>> _parts(r"age,fare\\,usd,")
    ['age', 'fare,usd']
    """
    return [part.replace("\\,", ",") for part in re.split(r"(?<!\\),", word) if part]


def _merged(given: Iterable[Given], flags: Flags) -> dict[str, Given]:
    """One entry a flag: lists are joined, any other flag must have the same value each time."""
    merged: dict[str, Given] = {}
    for entry in given:
        before = merged.get(entry.name)
        if before is not None and takes_list(flags[entry.name]):
            entry = Given(name=entry.name, values=before.values + entry.values)
        elif before is not None and before != entry:
            first, second = (" ".join(e.values) or ("yes" if e.on else "no") for e in (before, entry))
            raise ConfigError(f"{flag(entry.name)} is given twice, as {first} and as {second}; keep one")
        merged[entry.name] = entry
    return merged
