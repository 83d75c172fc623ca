"""The interval of a score, from whatever an evaluation kept: rows' answers, sums of rows, or intervals of its own."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sonde.core.damaged import DAMAGE
from sonde.core.units import counted
from sonde.metrics.intervals import LEVEL, Interval, at_level
from sonde.report.answers import interval_of, joined, read_answers
from sonde.report.sums import beside_the_baseline, interval_of_sums, joined_sums, read_sums

Details = Mapping[str, Any]  # of one evaluation: file stem -> content


def interval_in(
    parts: Sequence[Details], metric: str, value: float, *, level: float = LEVEL
) -> tuple[Interval | None, str]:
    """(interval, what it is of: "1,000 rows", "24 series"); (None, "") where nothing tells.

    parts: the evaluations of a split, of a cross-validation those of all folds, each row of which was judged once
    value: the metric over them, around which the interval is put
    """
    try:
        return (
            _of_answers(parts, metric, value, level)
            or _of_sums(parts, metric, value, level)
            or _own(parts, metric, level)
        )
    except DAMAGE:  # a file that holds what no run writes there: the score stands without an interval
        return None, ""


def interval_beside_baseline(parts: Sequence[Details], metric: str, difference: float) -> Interval | None:
    """Of the score less the baseline's on the same rows, where both were kept."""
    try:
        sums = [read_sums(part) for part in parts]
        known = [each for each in sums if each is not None]
        if not known or len(known) < len(parts):
            return None
        return beside_the_baseline(joined_sums(known), metric, difference)
    except DAMAGE:
        return None


Found = tuple[Interval | None, str]


def _of_answers(parts: Sequence[Details], metric: str, value: float, level: float) -> Found | None:
    kept = [answers for part in parts if (answers := read_answers(part)) is not None]
    if not kept or len(kept) < len(parts):
        return None
    whole = joined(kept) if len(kept) > 1 else kept[0]
    interval = interval_of(whole, metric, value, level=level)
    return None if interval is None else (interval, counted(whole.rows, "row", "rows"))


def _of_sums(parts: Sequence[Details], metric: str, value: float, level: float) -> Found | None:
    kept = [sums for part in parts if (sums := read_sums(part)) is not None]
    if not kept or len(kept) < len(parts):
        return None
    whole = joined_sums(kept) if len(kept) > 1 else kept[0]
    interval = interval_of_sums(whole, metric, value, level=level)
    return None if interval is None else (interval, f"{whole.rows:,} {whole.unit}")


def _own(parts: Sequence[Details], metric: str, level: float) -> Found:
    """Of intervals.json. The mean of several folds' scores: their rows are different ones, so that squares of widths add up."""
    below, above, values = 0.0, 0.0, []
    for part in parts:
        ends, value = (part.get("intervals") or {}).get(metric), (part.get("metrics") or {}).get(metric)
        if ends is None or not isinstance(value, int | float):
            return None, ""
        one = at_level(Interval(*map(float, ends)), float(value), level)
        below, above = math.hypot(below, value - one.low), math.hypot(above, one.high - value)
        values.append(float(value))
    if not values:
        return None, ""
    mean = sum(values) / len(values)
    low, high = mean - below / len(values), mean + above / len(values)
    return Interval(max(0.0, low), min(1.0, high)), ""
