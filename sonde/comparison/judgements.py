"""Runs that make inputs, compared by what one judge measured of their samples: their losses are of different quantities."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sonde.comparison.members import Judgement, Member
from sonde.comparison.told import named
from sonde.core.damaged import DAMAGE
from sonde.metrics.intervals import Interval
from sonde.report.generating import judgement
from sonde.report.sample_quality import measured_how

FIRST = ("frechet_distance", "kernel_distance")  # by which samples are compared, the first that all have
NORMAL = 1.96  # standard errors of an interval of 95 %
FEWEST = 2


def by_judgements(members: Sequence[Member], metric: str = "") -> list[Member]:
    """The same runs; those whose samples one judge measured alike, where there are two, are to be compared by that.

    metric: the one that was asked for; where it is no measure of samples, the runs stay as they are
    """
    found = [_judgement_of(member) for member in members]
    groups: dict[str, list[Judgement]] = {}
    for each in found:
        if each is not None:
            groups.setdefault(each.by, []).append(each)
    chosen = {by: _metric(group, metric) for by, group in groups.items()}
    return [
        member if each is None or not chosen[each.by] else replace(member, judged=replace(each, metric=chosen[each.by]))
        for member, each in zip(members, found, strict=True)
    ]


def measures_of(members: Iterable[Member]) -> list[str]:
    """Names of what judges measured of any run's samples."""
    held = [each.values for each in map(_judgement_of, members) if each is not None]
    return list(dict.fromkeys(name for values in held for name in values))


def not_judged_alike(members: Sequence[Member]) -> list[str]:
    """Said where some runs' samples were judged, and others' not or otherwise."""
    if not any(member.judged for member in members):
        return []
    first = next(member for member in members if member.judged)
    assert first.judged is not None
    apart = [member for member in members if member.judged is None and member.result and _makes_inputs(member)]
    apart += [member for member in members if member.judged is not None and member.judged.by != first.judged.by]
    if not apart:
        return []
    data = str(apart[0].reading.config.get("data") or "DATA")
    how = measured_how(str(apart[0].reading.path), data, first.judged.judge)
    verb = "is" if len(apart) == 1 else "are"
    return [f"{named([member.name for member in apart])} {verb} not measured by the judge of {first.name}: {how}"]


def _makes_inputs(member: Member) -> bool:
    reading = member.reading
    return bool(reading.looked.get("sample_quality") or (reading.evaluated.get(reading.split) or {}).get("samples"))


def _metric(group: Sequence[Judgement], metric: str) -> str:
    """By which a group is compared; "" where it is not, or is no group."""
    if len(group) < FEWEST:
        return ""
    shared = [name for name in group[0].values if all(name in each.values for each in group)]
    return metric if metric in shared else "" if metric else next((name for name in FIRST if name in shared), "")


def _judgement_of(member: Member) -> Judgement | None:
    try:
        found = None if member.folds else judgement(member.reading)
        return None if found is None or not found.get("judge") else _read(found)
    except DAMAGE:
        return None


def _read(found: Mapping[str, Any]) -> Judgement:
    judge, split, rows = found["judge"], str(found["split"]), int(found["n"])
    known = {str(each["name"]): each for each in found["measures"] if each.get("value") is not None}
    return Judgement(
        by=f"weights {judge['weights']}, {rows} {split} rows, {found['preprocessing']}",
        judge=str(judge["run"]),
        split=split,
        rows=rows,
        values={name: float(each["value"]) for name, each in known.items()},
        floors={name: float(each["real"]) for name, each in known.items() if each.get("real") is not None},
        intervals={name: around for name, each in known.items() if (around := _interval(each)) is not None},
        higher={
            name: each["better"] == "higher"
            for name, each in known.items()
            if each.get("better") in ("higher", "lower")
        },
    )


def _interval(each: Mapping[str, Any]) -> Interval | None:
    if "interval" in each:
        low, high = map(float, each["interval"])
        return Interval(low, high)
    if not each.get("error"):
        return None
    value, width = float(each["value"]), NORMAL * float(each["error"])
    return Interval(value - width, value + width)
