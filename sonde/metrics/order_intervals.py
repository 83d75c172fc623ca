"""How sure areas under ROC curves and average precisions of several columns are together, over the rows that they share."""

import math

import numpy as np
import torch

from sonde.metrics.intervals import LEVEL, SEED, Interval
from sonde.metrics.ranking import Ranking, area, average_precision
from sonde.metrics.roc import Z, area_interval

MOST = 2_000_000  # entries (rows x columns) that are looked at: 0.3 s; of more a sample of rows, seeded
DRAWS = 200  # resamples of an average precision
MOST_DRAWN = 20_000_000  # entries of all resamples: 0.3 s

# N rows, C columns, D draws


def mean_area_interval(ranking: Ranking) -> Interval | None:
    """Of the mean area under the ROC curves of all columns that have both truths; None where none has.

    DeLong's variance, of several columns by what each row adds to every one of them, so that columns that err together are not
    taken for independent ones; in log-odds. Scores that are only known to their bin, and areas that are all 1: the ends of the
    columns' own intervals averaged, which is wider.
    Source: DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44(3)
    """
    if ranking.binned:
        return _averaged(ranking)
    scores, truth, share = _rows_of(ranking, MOST)
    areas, shares = [], np.zeros(scores.shape[1])
    for column, marks in zip(scores, truth, strict=True):
        found = _placements(column, marks)
        if found is not None:
            areas.append(found[0])
            shares += found[1]
    if not areas:
        return None
    error = math.sqrt(float(np.square(shares).sum())) / len(areas) * math.sqrt(share)
    found = float(np.mean(areas)) if share == 1 else _mean_of([area(column) for column in ranking.counts()])
    if len(areas) == 1 or not error or not 0 < found < 1:
        return _averaged(ranking)
    half, middle = Z * error / (found * (1 - found)), math.log(found / (1 - found))
    return Interval(_inverse(middle - half), _inverse(middle + half))


def mean_precision_interval(ranking: Ranking) -> Interval | None:
    """Of the mean average precision of all columns that have a true row: percentiles of resamples of rows (DRAWS, seeded), put
    around the value; None where scores are only known to their bin, or no column has a true row.

    Source: Efron 1979, Annals of Statistics 7; COCO's own average precision is in `detection_interval`
    """
    if ranking.binned:
        return None
    scores, truth, share = _rows_of(ranking, MOST_DRAWN // DRAWS)
    rows = scores.shape[1]
    generator = np.random.default_rng(SEED)
    places = generator.integers(rows, size=(DRAWS, rows)) + np.arange(DRAWS)[:, None] * rows
    times = np.bincount(places.ravel(), minlength=DRAWS * rows).reshape(DRAWS, rows).astype(np.float64)
    whole = np.concatenate([np.ones((1, rows)), times])  # the first: every row once
    with np.errstate(all="ignore"):
        each = np.stack([_precisions(column, marks, whole) for column, marks in zip(scores, truth, strict=True)])
    known = np.isfinite(each)
    drawn = np.where(known, each, 0).sum(0) / np.maximum(known.sum(0), 1)
    resamples = drawn[1:][known[:, 1:].any(0)]
    if not known[:, 0].any() or 2 * len(resamples) < DRAWS:
        return None
    low, high = np.quantile(resamples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]) - drawn[0]
    value = _mean_of([average_precision(column) for column in ranking.counts()])
    narrower = math.sqrt(share)
    return Interval(max(0.0, value + low * narrower), min(1.0, value + high * narrower))


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


def _precisions(scores: np.ndarray, truth: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(D,) average precisions of one column, each row as often as `times` (D, N) says; NaN without a true row."""
    counted = np.flatnonzero(truth >= 0)
    order = counted[np.argsort(-scores[counted], kind="stable")]
    if not len(order):
        return np.full(len(times), np.nan)
    last = np.append(scores[order][1:] != scores[order][:-1], True)
    rows = times[:, order]
    true = (rows * (truth[order] == 1)).cumsum(1)[:, last]
    whole = rows.cumsum(1)[:, last]
    gained = np.diff(true, axis=1, prepend=0.0)
    return np.where(true[:, -1] > 0, (gained * true / np.maximum(whole, 1)).sum(1) / true[:, -1], np.nan)


def _mean_of(values: list[float]) -> float:
    """Of those that are not NaN, of which there is one."""
    return float(np.nanmean(values))


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
