"""What the names of files say: a pattern such as "{label}_{speaker}_{take}", and choices by a part of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sonde.core.errors import ConfigError, DataError

PART = re.compile(r"\{(\w*)\}")
LISTED = 8


@dataclass(frozen=True)
class Choice:
    """Rows by a part of their names: `take=0-4`, `speaker=theo,jackson`."""

    part: str
    values: frozenset[str]
    text: str  # as it was typed

    def takes(self, parts: Mapping[str, str], place: str) -> bool:
        """Whether a row is meant. Raises: ConfigError when it has no such part"""
        if self.part not in parts:
            raise ConfigError(
                f"--held-out {self.text}: {place} has no part {self.part!r}; there are {', '.join(sorted(parts)) or 'none'}"
            )
        return parts[self.part] in self.values


def parts_of(names: Sequence[str], pattern: str) -> list[dict[str, str]]:
    """The parts of each name, a path without its ending; a pattern without a "/" is held against its last piece.

    Raises: ConfigError for a pattern that is none, DataError naming the first name that does not fit

    >>> parts_of(["recordings/7_theo_0"], "{label}_{speaker}_{take}")
    [{'label': '7', 'speaker': 'theo', 'take': '0'}]
    """
    wanted = _expression(pattern)
    found = []
    for name in names:
        match = wanted.fullmatch(name if "/" in pattern else name.rsplit("/", 1)[-1])
        if match is None:
            raise DataError(f"the name {name} does not fit --labels {pattern!r}; rename it, or fix the pattern")
        found.append(match.groupdict())
    return found


def choice(text: str) -> Choice:
    """A choice from text. Raises: ConfigError for text that is none.

    >>> sorted(choice("take=0-2,7").values)
    ['0', '1', '2', '7']
    """
    part, _, listed = text.partition("=")
    values = [value.strip() for value in listed.split(",") if value.strip()]
    if not part.strip() or not values:
        raise ConfigError(f"--held-out {text!r} is not a part and its values; write it like take=0-4 or speaker=theo")
    chosen: set[str] = set()
    for value in values:
        span = re.fullmatch(r"(\d+)-(\d+)", value)
        chosen |= {value} if span is None else set(map(str, range(int(span[1]), int(span[2]) + 1)))
    return Choice(part.strip(), frozenset(chosen), text)


def spelled(labels: Sequence[str], pairs: Sequence[str]) -> list[str]:
    """Labels by the names that are given for them; those without keep their own.

    pairs: "0=zero", …
    Raises: ConfigError for a pair that is none, or of a label that is not there

    >>> spelled(["0", "1", "0"], ["0=zero"])
    ['zero', '1', 'zero']
    """
    given = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    if len(given) < len(pairs):
        wrong = next((pair for pair in pairs if "=" not in pair), None)
        trouble = f"{wrong!r} is not a pair" if wrong else "a label has two names"
        raise ConfigError(f"--label-names: {trouble}; write each once, like 0=zero 1=one")
    return [given.get(label, label) for label in labels]


def check_known(labels: Sequence[str], pairs: Sequence[str]) -> None:
    """Raises: ConfigError for a name of a label that no row has."""
    known = set(labels)
    for pair in pairs:
        label = pair.split("=", 1)[0]
        if label not in known:
            listed = ", ".join(sorted(known)[:LISTED])
            raise ConfigError(f"--label-names {pair}: nothing has the label {label!r}; there are {listed}")


def _expression(pattern: str) -> re.Pattern[str]:
    """The regular expression of a pattern, its parts as named groups."""
    names = PART.findall(pattern)
    if "label" not in names:
        raise ConfigError(f"--labels {pattern!r} has no {{label}}; write it like '{{label}}_{{take}}'")
    wrong = next((name for name in names if not name.isidentifier() or names.count(name) > 1), None)
    if wrong is not None:
        raise ConfigError(f"--labels {pattern!r}: {{{wrong}}} is not a valid part name, or occurs twice")
    pieces = PART.split(pattern)  # text and names by turns
    text = [f"(?P<{piece}>.+?)" if place % 2 else re.escape(piece) for place, piece in enumerate(pieces)]
    return re.compile("".join(text))
