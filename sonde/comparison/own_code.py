"""The caller's own code of runs beside one another: networks, losses, tasks, as data.json holds their names and hashes."""

import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from sonde.comparison.members import Member
from sonde.core.units import ABSENT

OBSERVER = "observer "  # begins the names of parts that look on and may come and go
MOST_LINES = 3  # of a network that are named


def code_hashes(member: Member) -> Hashable:
    """Equal for runs by the same code: another network or loss is another setting, though config.yaml holds the same values."""
    return tuple(sorted((what, hashed) for what, _, hashed in _parts(member)))


def measured_apart(one: Member, other: Member, metric: str) -> bool:
    """Whether two runs are known to measure by different functions what goes by one name: a loss or metric of one's own."""
    what = "loss" if metric == "loss" else f"metric {metric}"
    first, second = ({part: hashed for part, _, hashed in _parts(member)}.get(what) for member in (one, other))
    return first is not None and second is not None and first != second


def code_differing(members: Sequence[Member]) -> list[tuple[str, list[str]]]:
    """(part, what it is in each run) of the caller's own code that is not the same in all runs, networks first.

    Parts of one name are told apart by the layers that differ, or else as version 1, version 2, in the order of the runs.
    """
    held = [{what: (entry, hashed) for what, entry, hashed in _parts(member)} for member in members]
    names = sorted({what for parts in held for what in parts}, key=lambda what: (not what.startswith("network"), what))
    found = []
    for what in names:
        entries = [parts.get(what) for parts in held]
        if len({None if entry is None else entry[1] for entry in entries}) > 1:
            found.append((what, _told(entries)))
    return found


def _parts(member: Member) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    """(what, its entry, its hash) of each part."""
    code = member.reading.data.get("code")
    for what, entry in code.items() if isinstance(code, Mapping) else ():
        hashed = (entry.get("hash") or entry.get("sha256")) if isinstance(entry, Mapping) else None
        if hashed and not str(what).startswith(OBSERVER):
            yield str(what), entry, str(hashed)


def _told(entries: Sequence[tuple[Mapping[str, Any], str] | None]) -> list[str]:
    by_hash = {hashed: entry for entry, hashed in filter(None, entries)}
    layers = _layers_apart([str(entry.get("text") or "") for entry in by_hash.values()])
    texts = {
        hashed: ": ".join(filter(None, [_name(entry), own]))
        for (hashed, entry), own in zip(by_hash.items(), layers, strict=True)
    }
    for text in set(texts.values()):
        same = [hashed for hashed, other in texts.items() if other == text]
        if len(same) > 1:
            texts |= {hashed: f"{text}, version {place}" for place, hashed in enumerate(same, start=1)}
    return [ABSENT if entry is None else texts[entry[1]] for entry in entries]


def _name(entry: Mapping[str, Any]) -> str:
    name = str(entry.get("name") or "")
    return "a lambda" if name == "<lambda>" else name


def _layers_apart(texts: Sequence[str]) -> list[str]:
    """Of each network's description the lines that not all have, without the names of arguments: "Linear(64, 16, True)"."""
    lines = [[line.strip() for line in text.splitlines()] for text in texts]
    everywhere = set.intersection(*map(set, lines)) if lines else set()
    found = []
    for own in lines:
        apart = [re.sub(r"\b\w+=", "", line) for line in own if line not in everywhere and line.endswith(")")]
        found.append("; ".join(apart[:MOST_LINES]) + ("; …" if len(apart) > MOST_LINES else ""))
    return found
