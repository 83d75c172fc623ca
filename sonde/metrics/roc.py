"""ROC and precision-recall of each class against the others, and how sure the area under the curve is."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from sonde.metrics.intervals import LEVEL, Interval, wilson
from sonde.metrics.ranking import Counts, area, average_precision

POINTS = 80  # of a curve that is kept
DIGITS = 4
Z = 1.959963984540054  # of the normal distribution at LEVEL

# T thresholds


def area_interval(counts: Counts) -> Interval | None:
    """Of the area under the ROC curve; None with one truth only.

    DeLong's variance of the area, taken in log-odds so that the interval stays inside 0 and 1. Where all pairs are in order, or
    none, that variance is 0: then Wilson's interval of as many rows as the rarer truth has, which is wide rather than narrow.
    Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44(3); in log-odds: Pepe 2003, The Statistical Evaluation of
    Medical Tests, section 5.2.4
    """
    found = area(counts)
    if math.isnan(found):
        return None
    true, false = _gained(counts.true), _gained(counts.false)
    positives, negatives = float(true.sum()), float(false.sum())
    rarer = min(positives, negatives)
    if not 1e-9 < found < 1 - 1e-9 or rarer < 2:
        return wilson(found * rarer, rarer, level=LEVEL)
    below = negatives - counts.false + 0.5 * false  # of a positive at each threshold: negatives under it, ties half
    above = counts.true - 0.5 * true  # of a negative: positives over it
    spread = _variance(below / negatives, true) / positives + _variance(above / positives, false) / negatives
    half = Z * math.sqrt(spread) / (found * (1 - found))
    middle = math.log(found / (1 - found))
    return Interval(_inverse(middle - half), _inverse(middle + half))


def class_curves(counts: Sequence[Counts], names: Sequence[str]) -> list[dict[str, Any]]:
    """For roc.json: of each class both curves, its areas and the interval of the first; none of a class with one truth only."""
    found = []
    for column, name in zip(counts, names, strict=True):
        interval = area_interval(column)
        if interval is None:
            continue
        true, false = column.true, column.false
        places = _kept(true, false)
        found.append(
            {
                "name": name,
                "positives": int(true[-1]),
                "negatives": int(false[-1]),
                "auroc": round(area(column), 6),
                "interval": [round(interval.low, 6), round(interval.high, 6)],
                "average_precision": round(average_precision(column), 6),
                "fpr": _short(false[places] / false[-1]),
                "tpr": _short(true[places] / true[-1]),
                "precision": _short(true[places] / (true[places] + false[places])),
            }
        )
    return found


def _kept(true: Tensor, false: Tensor) -> Tensor:
    """Thresholds evenly spread along the curve's own length, the first and the last among them."""
    along = true / true[-1] + false / false[-1]
    wanted = torch.linspace(float(along[0]), float(along[-1]), POINTS, dtype=along.dtype)
    return torch.unique(torch.searchsorted(along, wanted).clamp(max=len(along) - 1))


def _gained(sums: Tensor) -> Tensor:
    return torch.diff(torch.cat([sums.new_zeros(1), sums]))


def _variance(values: Tensor, weights: Tensor) -> float:
    """Of values that occur `weights` times each, with one degree of freedom less."""
    whole = float(weights.sum())
    mean = float((weights * values).sum()) / whole
    return float((weights * (values - mean).square()).sum()) / (whole - 1)


def _inverse(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def _short(values: Tensor) -> list[float]:
    return [round(value, DIGITS) for value in values.tolist()]
