"""How sure areas under ROC curves and average precisions of several columns are together, over the rows that they share."""

import math
from collections.abc import Callable

import numpy as np
import torch

from sonde.metrics.intervals import SEED, Interval
from sonde.metrics.ranking import Counts, Ranking, area, average_precision
from sonde.metrics.roc import Z, area_interval

MOST = 400_000  # entries (rows x columns) that are looked at: 0.3 s; of more a sample of rows, seeded

# N rows, C columns


def mean_area_interval(ranking: Ranking, value: float | None = None) -> Interval | None:
    """Of the mean area under the ROC curves of all columns that have both truths; None where none has.

    DeLong's variance, of several columns by what each row adds to every one of them, so that columns that err together are not
    taken for independent ones; in log-odds. Scores that are only known to their bin, and areas that are all 1: the ends of the
    columns' own intervals averaged, which is wider.

    value: that mean over all rows, where it is known: of many entries it is not found again
    Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44(3)
    """
    if ranking.binned:
        return _averaged(ranking)
    found = _together(ranking, _placements, area, value)
    if found is None or found[0] < 2 or not found[2] or not 0 < found[1] < 1:
        return _averaged(ranking)
    return _in_log_odds(found[1], found[2])


def mean_precision_interval(ranking: Ranking, value: float | None = None) -> Interval | None:
    """Of the mean average precision of all columns that have a true row, by what each row adds to every one of them; None where
    scores are only known to their bin, no column has a true row, or all are in order. In log-odds.

    Source: the infinitesimal jackknife, Efron 1982, The Jackknife, the Bootstrap and Other Resampling Plans, chapter 6
    """
    found = None if ranking.binned else _together(ranking, _precision_added, average_precision, value)
    return None if found is None or not found[2] or not 0 < found[1] < 1 else _in_log_odds(found[1], found[2])


def area_gained(scores: np.ndarray, others: np.ndarray, truth: np.ndarray) -> Interval | None:
    """Of by how much the area under the ROC curve of `others` exceeds that of `scores`, over the rows that they share.

    truth: (N,) 1 and 0;  scores, others: (N,);  Returns: None with one truth only, or one row of a truth
    Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44(3), of correlated areas
    """
    own, other = _placements(scores, truth), _placements(others, truth)
    if own is None or other is None:
        return None
    middle, half = other[0] - own[0], Z * math.sqrt(float(np.square(other[1] - own[1]).sum()))
    return Interval(middle - half, middle + half)


Added = Callable[[np.ndarray, np.ndarray], tuple[float, np.ndarray] | None]


def _together(
    ranking: Ranking, of_column: Added, whole: Callable[[Counts], float], value: float | None
) -> tuple[int, float, float] | None:
    """(columns that have a value, its mean over them, the error of that mean); None where none has.

    of_column: of scores and truths (N,) the value, and what each row adds to its error;  whole: the value of all rows
    """
    scores, truth, share = _rows_of(ranking, MOST)
    each = [known for pair in zip(scores, truth, strict=True) if (known := of_column(*pair)) is not None]
    if not each:
        return None
    error = math.sqrt(float(np.square(np.sum([added for _, added in each], axis=0)).sum()) * share) / len(each)
    if value is None:
        values = [found for found, _ in each] if share == 1 else [whole(column) for column in ranking.counts()]
        value = float(np.nanmean(values))
    return len(each), value, error


def _in_log_odds(value: float, error: float) -> Interval:
    half, middle = Z * error / (value * (1 - value)), math.log(value / (1 - value))
    return Interval(_inverse(middle - half), _inverse(middle + half))


def _rows_of(ranking: Ranking, most: int) -> tuple[np.ndarray, np.ndarray, float]:
    """(scores, truths, share of the rows) of at most so many entries; (C, N) each."""
    scores, truth = torch.cat(ranking.scores, 1), torch.cat(ranking.truths, 1)
    columns, rows = scores.shape
    kept = max(2, most // columns)
    if rows <= kept:
        return scores.cpu().double().numpy(), truth.cpu().numpy(), 1.0
    places = torch.from_numpy(np.random.default_rng(SEED).choice(rows, kept, replace=False)).to(scores.device)
    return scores[:, places].cpu().double().numpy(), truth[:, places].cpu().numpy(), kept / rows


def _placements(scores: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray] | None:
    """(area, what each row adds to its error (N,)) of one column; None with one truth only, or one row of a truth."""
    true, false = np.flatnonzero(truth == 1), np.flatnonzero(truth == 0)
    if min(len(true), len(false)) < 2:
        return None
    above = _under(scores[true], scores[false])  # of a true row: the share of false ones under it
    below = 1 - _under(scores[false], scores[true])
    found = float(above.mean())
    added = np.zeros(len(scores))
    added[true] = (above - found) / math.sqrt(len(true) * (len(true) - 1))
    added[false] = (below - found) / math.sqrt(len(false) * (len(false) - 1))
    return found, added


def _under(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The share of others that lie under each score, ties half."""
    ordered = np.sort(others)
    return (np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")) / (2 * len(others))


def _precision_added(scores: np.ndarray, truth: np.ndarray) -> tuple[float, np.ndarray] | None:
    """(average precision, what each row adds to its error (N,)) of one column; None without a true row.

    A true row has its own precision, and every row that of the true ones at or below it.
    """
    counted = np.flatnonzero(truth >= 0)
    order = counted[np.argsort(-scores[counted], kind="stable")]
    true = truth[order] == 1
    positives = int(true.sum())
    if not positives:
        return None
    ends = np.searchsorted(-scores[order], -scores[order], "right") - 1  # of its ties, which are taken together
    begins = np.searchsorted(-scores[order], -scores[order], "left")
    whole = ends + 1.0
    precision = true.cumsum()[ends] / whole
    found = float(precision[true].sum() / positives)

    def at_or_below(values: np.ndarray) -> np.ndarray:
        return np.where(true, values, 0)[::-1].cumsum()[::-1][begins]

    changed = true * at_or_below(1 / whole) - at_or_below(precision / whole)
    added = np.zeros(len(scores))
    added[order] = (true * (precision - found) + changed) / positives
    return found, added


def _averaged(ranking: Ranking) -> Interval | None:
    found = [each for column in ranking.counts() if (each := area_interval(column)) is not None]
    if not found:
        return None
    return Interval(float(np.mean([each.low for each in found])), float(np.mean([each.high for each in found])))


def _inverse(odds: float) -> float:
    return 1 / (1 + math.exp(-odds))


def listed(**found: Interval | None) -> dict[str, list[float]]:
    """For intervals.json: those that there are, by metric."""
    return {name: [each.low, each.high] for name, each in found.items() if each is not None}
