"""Whether a classifier learns to tell made rows from real ones: 0.5 where it cannot, 1 where it always does."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from sonde.metrics.intervals import LEVEL, Interval, wilson

FOLDS = 5
FEWEST = 40  # rows of either
MOST = 2000  # rows of either
TIMES = 4  # as many made rows as real ones at most: more help where real rows are few
TREES, LEAVES, RATE = 60, 8, 0.1
LEAF, OF_ROWS = 20, 20  # rows of a leaf at least: so many, or of few rows one in as many
MOST_CATEGORIES = 255  # of a column that trees split by its categories; scikit-learn takes no more
Z = 1.959963984540054  # of the normal distribution at LEVEL
WIDER = (
    1.5  # than DeLong's: so much more areas of sets of one source spread (40 pairs of 70 and 280 rows, of 250 and 250)
)

# M made rows, N real ones, D columns


class Told(NamedTuple):
    """auroc: the mean over folds, each judged by trees grown on the others;  interval: of 95 %, by how many rows were judged"""

    auroc: float
    interval: Interval


def told_apart(made: np.ndarray, real: np.ndarray, categories: Sequence[bool]) -> Told | None:
    """Of (M, D) and (N, D) values, gaps NaN, in random order. None for fewer than `FEWEST` of either.

    categories: which of the D columns hold codes without an order
    Source: Lopez-Paz and Oquab 2017, arXiv:1610.06545 (a classifier as a test of two samples); its trees are those that tables
            are compared with (`modalities/table/classical`); interval: DeLong, DeLong and Clarke-Pearson 1988, Biometrics
            44(3), made wider as measured (`WIDER`), since trees of other folds differ too
    """
    real = real[:MOST]
    made = made[: min(MOST, TIMES * len(real))]
    if min(len(made), len(real)) < FEWEST:
        return None
    rows, label = np.concatenate([made, real]), np.repeat([1, 0], [len(made), len(real)])
    fold = np.concatenate([np.arange(len(made)), np.arange(len(real))]) % FOLDS
    few = rows.max(0, initial=0, where=np.isfinite(rows)) < MOST_CATEGORIES
    kept = [bool(code and low) for code, low in zip(categories, few, strict=True)]
    over, under = (
        [],
        [],
    )  # of made rows the share of the real ones of their fold below, of real rows that of made ones above
    for left in range(FOLDS):
        known = fold != left
        model = _trees(kept, int(known.sum())).fit(rows[known], label[known])
        score, truth = model.predict_proba(rows[~known])[:, 1], label[~known]
        mine, others = score[truth == 1], score[truth == 0]
        wins = (mine[:, None] > others) + 0.5 * (mine[:, None] == others)
        over.append(wins.mean(1))
        under.append(wins.mean(0))
    each = [np.concatenate(parts) for parts in (over, under)]
    area = float(each[0].mean())
    return Told(area, _around(area, sum(float(part.var(ddof=1)) / len(part) for part in each), len(real)))


def _trees(categories: Sequence[bool], rows: int) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    kind: Any = HistGradientBoostingClassifier  # which has no annotations
    return kind(
        max_iter=TREES,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=max(2, min(LEAF, rows // OF_ROWS)),
        early_stopping=False,
        random_state=0,
        categorical_features=list(categories) if any(categories) else None,
    )


def _around(area: float, variance: float, size: int) -> Interval:
    """In log-odds; Wilson's interval of as many rows where every pair is in order, or none."""
    if not 1e-9 < area < 1 - 1e-9:
        return wilson(area * size, size, level=LEVEL)
    half, middle = WIDER * Z * math.sqrt(variance) / (area * (1 - area)), math.log(area / (1 - area))
    low, high = (1 / (1 + math.exp(-each)) for each in (middle - half, middle + half))
    return Interval(low, high)
