"""Intervals of forecasts in which far fewer truths lie than they promise."""

from collections.abc import Mapping, Sequence
from typing import Any

from sonde.core.findings import Finding
from sonde.core.units import count, share
from sonde.metrics.intervals import wilson

APART = 0.1  # of all truths: what surely fewer than the promised share, less this, lies in is far too narrow
COVERAGE = "coverage_"  # before what an interval promises, in percent


def too_narrow(metrics: Mapping[str, Mapping[str, Any]], calibration: Mapping[str, Any], split: str) -> list[Finding]:
    """That surely far fewer truths of the judged windows lie in an interval than it promises.

    Windows overlap, and what one step errs by the next does as well: they count for as many as follow one another.

    metrics: by split;  calibration: `ForecastDistribution.details` of the judged split, with its windows and their steps
    """
    windows, horizon = calibration.get("windows"), calibration.get("horizon")
    if not windows or not horizon:
        return []
    apart = max(1.0, windows / horizon)
    covered = _covered(metrics.get(split, {}))
    bad = [(nominal, found) for nominal, found in covered if wilson(found * apart, apart).high < nominal - APART]
    if not bad:
        return []
    told = _told(bad, f"of the {count(windows)} {split} windows")
    before = dict(_covered(metrics.get("validation", {}))) if split != "validation" else {}
    held = [(nominal, before[nominal]) for nominal, _ in bad if nominal in before]
    validation = f"; {_told(held, 'of the validation windows')}" if held else ""
    # of those that hold on validation windows the later ones are other, and no training mends that
    later = held and all(found >= nominal - APART for nominal, found in held)
    return [
        Finding(
            check="intervals too narrow",
            name="intervals-too-narrow",
            severity="warning",
            evidence=f"{told}{validation}",
            action="the judged windows are unlike those before them, and what was learned of how wrong a forecast is no longer "
            "holds: train on later steps too, or take a wider interval (--quantiles)"
            if later
            else "take an interval for what it covers, not for what it promises; train less long (--epochs) where the validation "
            "loss rises, or on more steps; --task diffusion-forecasting and --loss quantile learn intervals in two ways: compare",
            certainty="certain",
        )
    ]


def _covered(scores: Mapping[str, Any]) -> list[tuple[float, float]]:
    """(promised, found), the widest interval first."""
    found = [
        (float(name.removeprefix(COVERAGE)) / 100, float(value))
        for name, value in scores.items()
        if name.startswith(COVERAGE) and value is not None
    ]
    return sorted(found, reverse=True)


def _told(covered: Sequence[tuple[float, float]], where: str) -> str:
    each = [f"{share(found, 1)} lie in the {100 * nominal:g} % interval" for nominal, found in covered]
    return f"{' and '.join(each)} {where}" if len(each) == 1 else f"{', '.join(each[:-1])} and {each[-1]}, {where}"
