"""Finished runs that lose to an answer that ignores the input."""

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from sonde.core.findings import Finding
from sonde.core.units import number

WORSE = 1.02  # of an error, from which it counts as larger


def below_baseline(result: Mapping[str, Any], *, larger: bool | None, rows: int | None) -> list[Finding]:
    """That a finished run's headline metric is worse than that of its trivial baseline or rule.

    larger: whether larger values of the metric are better, None where that is not known;  rows: that were evaluated
    A warning where nothing else explains it, and a note where the run's diagnosis does.
    """
    metric, baseline = result.get("headline", ""), result.get("baseline") or {}
    split = next(reversed(list(result.get("metrics") or {})), "")
    score, other = (result.get("metrics") or {}).get(split, {}).get(metric), baseline.get(metric)
    if larger is None or not _is_number(score) or not _is_number(other):
        return []
    error = math.sqrt(max(0.0, other * (1 - other)) / rows) if larger and rows and 0 <= other <= 1 else 0.0
    worse = score < other - error if larger else score > other + (WORSE - 1) * abs(other)
    if not worse:
        return []
    return [
        Finding(
            check="worse than the baseline",
            name="worse-than-baseline",
            severity="note" if result.get("diagnosis") else "warning",
            evidence=f"{metric} on the {split} rows is {number(score)}, and {baseline.get('what', 'the baseline')} has "
            f"{number(other)}",
            action="train longer or at another rate (--lr auto), see `sonde inspect` for the data; a rule that does better is "
            "worth using",
            step=result.get("steps"),
            certainty="certain",
        )
    ]


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)
