"""One name in several spellings: yes, Yes and YES, or 1 and 1.0."""

import re
from collections.abc import Mapping, Sequence

from sonde.modalities.table.kinds import number_name

LISTED = 3  # groups of names that a warning lists


def alike(name: str) -> str:
    """What spellings of one name have in common.

    >>> alike("Not  Sure") == alike("not sure"), alike("1.0")
    (True, '1')
    """
    folded = " ".join(name.casefold().split())
    return folded if re.match(r"[+-]?0\d", folded) else number_text(folded)  # 01 is a code


def number_text(text: str) -> str:
    """A number's spelling in a file as the name of its class, "1" for "1.0"; other text as it is."""
    point = text.replace(",", ".")
    return number_name(float(point)) if re.fullmatch(r"[+-]?\d+(\.\d*)?", point) else text


def one_spelling(counts: Mapping[str, int], noun: str = "class") -> tuple[dict[str, str], list[str]]:
    """(name -> the commonest spelling of it, what to say). Single letters keep theirs, unless they are y and n."""
    groups: dict[str, list[str]] = {}
    for name in counts:
        groups.setdefault(alike(name), []).append(name)
    several = {key: names for key, names in groups.items() if len(names) > 1}
    if not several:
        return {name: name for name in counts}, []
    letters = [names for key, names in several.items() if len(key) == 1 and not key.isdigit()]
    if letters and not set(groups) <= {"y", "n", "t", "f", "j"}:
        return {name: name for name in counts}, [
            f"{' and '.join(map(repr, letters[0]))} are different names; write them alike if they are one"
        ]
    spelled = {name: max(names, key=lambda one: counts[one]) for names in groups.values() for name in names}
    listed = "; ".join(
        f"{', '.join(map(repr, names))} are read as one {noun}" for names in [*several.values()][:LISTED]
    )
    return spelled, [f"{listed}; write them differently if they are not"]


def as_known(names: Sequence[str], known: Sequence[str]) -> list[str | None]:
    """Each name in the spelling of the one known name that it is alike; None where there is none, or several."""
    groups: dict[str, list[str]] = {}
    for name in known:
        groups.setdefault(alike(name), []).append(name)
    there = set(known)
    found = (name if name in there else groups.get(alike(name), []) for name in names)
    return [each if isinstance(each, str) else each[0] if len(each) == 1 else None for each in found]
