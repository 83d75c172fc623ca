"""What was found in the runs that are compared: what several have in common is said once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sonde.comparison.members import Member
from sonde.core.findings import grouped
from sonde.core.units import counted

MOST_FINDINGS = 4  # of a run
MOST_NAMED = 4  # runs
SHORT = 32  # characters of what a run's line says


@dataclass(frozen=True, kw_only=True)
class Told:
    """A warning or an error, and in which runs it is.

    evidence: that of the first of them;  of: this run's name, where others have other numbers
    """

    severity: str
    check: str
    evidence: str
    action: str
    place: str
    runs: str
    of: str


def findings_of(member: Member) -> tuple[list[dict[str, str]], int]:
    """(warnings and errors, how many more) of a run, of a cross-validation those of all folds."""
    diagnosis = [str(name) for name in member.result.get("diagnosis") or []]
    every = [finding for part in (member.reading, *member.folds) for finding in part.findings]
    found = [
        {
            "severity": severity,
            "check": check[:120],
            "evidence": str(same[-1].get("evidence") or "")[:400],
            "action": str(same[-1].get("action") or "")[:300],
            "place": counted(len(same), "time", "times") if len(same) > 1 else "",
        }
        for severity, check, same in grouped(every, diagnosis)
        if severity in ("error", "warning")
    ]
    return found[:MOST_FINDINGS], max(0, len(found) - MOST_FINDINGS)


def told_once(members: Sequence[Member]) -> tuple[list[Told], int]:
    """(warnings and errors of all runs, the most severe first, each check once; how many more are in the reports)."""
    groups: dict[tuple[str, str], list[tuple[str, dict[str, str]]]] = {}
    more = 0
    for member in members:
        items, rest = findings_of(member)
        more += rest
        for item in items:
            groups.setdefault((item["severity"], item["check"]), []).append((member.name, item))
    found = [_told(held) for held in groups.values()]
    return sorted(found, key=lambda each: each.severity != "error"), more


def _told(held: Sequence[tuple[str, dict[str, str]]]) -> Told:
    first, item = held[0]
    names = list(dict.fromkeys(name for name, _ in held))
    one = len(names) == 1 or len({each["evidence"] for _, each in held}) == 1
    return Told(**item, runs=named(names), of="" if one else first)


def mark(members: Sequence[Member]) -> str:
    """What was found in a unit's runs, in a few words for its line: the likeliest warning, and how many others there are."""
    checks: dict[str, Any] = {}
    more = 0
    for member in members:
        items, rest = findings_of(member)
        more = max(more, rest)
        checks |= dict.fromkeys(item["check"] for item in items)
    if not checks:
        return ""
    first, others = next(iter(checks)), len(checks) - 1 + more
    return (first if len(first) <= SHORT else f"{first[: SHORT - 1]}…") + (f" +{others}" if others else "")


def named(names: Sequence[str]) -> str:
    """The first few names, and how many more there are.

    >>> named(["a", "b"]), named(["a", "b", "c", "d", "e", "f"])
    ('a, b', 'a, b, c, d and 2 more')
    """
    return ", ".join(names[:MOST_NAMED]) + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")
