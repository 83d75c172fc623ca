"""Metrics of the order of scores: area under the ROC curve, average precision, and the curves themselves.

They alone need all scores at once. Up to a limit the scores are kept; above it they are counted in fine bins.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

MAX_ROWS = 1_000_000
MAX_ENTRIES = 2**24  # rows x columns: 80 MB of scores and marks
NUM_BINS = 2**14
WIDEST = 12.0  # asinh of the largest score that has a bin of its own: 81,000
CURVE_POINTS = 200

# N rows, C columns (a class or label each), T thresholds


class Counts(NamedTuple):
    """Of one column, at each of its distinct scores from high to low: rows at or above it, by truth; each (T,) float64."""

    scores: Tensor
    true: Tensor
    false: Tensor


class Ranking:
    """Scores and truths of each column, for as many rows as come; `binned` says whether scores were rounded.

    Scores are log-odds, or any monotone relative: bins are equally wide in asinh(score), so that an area changes by less than
    the share of pairs whose scores differ by under 0.15 % (or 0.0015, near zero).
    """

    def __init__(self, *, max_rows: int = MAX_ROWS, max_entries: int = MAX_ENTRIES) -> None:
        self.max_rows, self.max_entries = max_rows, max_entries
        self.rows = 0
        self.scores: list[Tensor] = []  # (C, B) float32 or wider
        self.truths: list[Tensor] = []  # (C, B) int8: 1, 0, or -1 where not counted
        self.bins: Tensor | None = None  # (2, C, bins): false, true

    @property
    def binned(self) -> bool:
        """Whether scores are only known to their bin."""
        return self.bins is not None

    def update(self, scores: Tensor, truth: Tensor, counted: Tensor | None = None) -> None:
        """Add rows: scores (N, C), truth (N, C) of 0 and 1, counted (N, C) with 0 where an entry is to be left out."""
        marks = truth.to(torch.int8)
        if counted is not None:
            marks = torch.where(counted > 0, marks, -1)
        self._take(scores.detach().T.contiguous(), marks.T.contiguous())

    def merge(self, other: "Ranking") -> None:
        """Add another process's rows."""
        if other.bins is not None:
            self._to_bins(like=other.bins)
            assert self.bins is not None
            self.bins += other.bins.to(self.bins.device)
            self.rows += other.rows
        for scores, truth in zip(other.scores, other.truths, strict=True):
            device = (
                self.scores[0].device if self.scores else self.bins.device if self.bins is not None else scores.device
            )
            self._take(scores.to(device), truth.to(device))

    def counts(self, columns: Sequence[int] | None = None) -> list[Counts]:
        """Of each column, or of some; entries that are not counted are left out."""
        which = slice(None) if columns is None else list(columns)
        if self.bins is not None:
            return [_of_bins(false, true) for false, true in zip(*self.bins[:, which].cpu(), strict=True)]
        scores, truth = torch.cat(self.scores, 1)[which].cpu(), torch.cat(self.truths, 1)[which].cpu()
        ordered, order = scores.sort(dim=1, descending=True)
        return [_of_sorted(column, marks) for column, marks in zip(ordered, truth.gather(1, order), strict=True)]

    def _take(self, scores: Tensor, truth: Tensor) -> None:
        self.rows += scores.shape[1]
        if self.bins is None:
            self.scores.append(scores)
            self.truths.append(truth)
            if self.rows > self.max_rows or self.rows * len(scores) > self.max_entries:
                self._to_bins(like=scores)
            return
        self._count(scores, truth)

    def _to_bins(self, *, like: Tensor) -> None:
        if self.bins is not None:
            return
        columns = like.shape[1] if like.ndim == 3 else len(like)
        self.bins = torch.zeros(2, columns, NUM_BINS, dtype=torch.int32, device=like.device)
        for scores, truth in zip(self.scores, self.truths, strict=True):
            self._count(scores.to(like.device), truth.to(like.device))
        self.scores, self.truths = [], []

    def _count(self, scores: Tensor, truth: Tensor) -> None:
        assert self.bins is not None
        columns = len(scores)
        bins = ((scores.asinh() / WIDEST + 1) * (NUM_BINS / 2)).clamp(0, NUM_BINS - 1).long()
        place = (truth.long() * columns + torch.arange(columns, device=scores.device)[:, None]) * NUM_BINS + bins
        known = truth >= 0
        self.bins.view(-1).index_add_(0, torch.where(known, place, 0).flatten(), known.flatten().to(torch.int32))


def area(counts: Counts) -> float:
    """Area under the ROC curve: the share of (true, false) pairs in the right order, ties half; NaN with one truth only.

    Source: Hanley and McNeil 1982, Radiology 143(1)
    """
    if len(counts.true) == 0:
        return float("nan")
    true, false = _from_zero(counts.true), _from_zero(counts.false)
    pairs = true[-1] * false[-1]
    return float(torch.trapezoid(true, false) / pairs) if pairs > 0 else float("nan")


def average_precision(counts: Counts) -> float:
    """Precision averaged over the true rows, in the order of their scores; NaN where there are none.

    Sum over thresholds of (increase of recall) x precision, without interpolation, as scikit-learn does.
    """
    if len(counts.true) == 0 or counts.true[-1] == 0:
        return float("nan")
    gained = torch.diff(_from_zero(counts.true))
    return float((gained * counts.true / (counts.true + counts.false)).sum() / counts.true[-1])


def best_threshold(counts: Counts) -> float | None:
    """The score from which on calling rows true gives the best F1, half-way to the next lower score; None without true rows."""
    if len(counts.true) == 0 or counts.true[-1] == 0:
        return None
    place = int((2 * counts.true / (counts.true + counts.false + counts.true[-1])).argmax())
    here = float(counts.scores[place])
    return (here + float(counts.scores[place + 1])) / 2 if place + 1 < len(counts.scores) else here - 1


def at_threshold(counts: Counts, score: float) -> tuple[float, float]:
    """(true, false) rows whose score is at least `score`."""
    place = int((counts.scores >= score).sum()) - 1
    return (float(counts.true[place]), float(counts.false[place])) if place >= 0 else (0.0, 0.0)


def curve(counts: Counts) -> dict[str, Any]:
    """For curve.json, scores being log-odds: at most 200 points of both curves from the highest threshold down."""
    true, false = counts.true, counts.false
    places = torch.linspace(0, len(true) - 1, min(CURVE_POINTS, len(true))).round().long()
    return {
        "fpr": (false / false[-1])[places].tolist(),
        "tpr": (true / true[-1])[places].tolist(),
        "precision": (true / (true + false))[places].tolist(),
        "recall": (true / true[-1])[places].tolist(),
        "thresholds": counts.scores[places].sigmoid().tolist(),
    }


def _of_sorted(scores: Tensor, marks: Tensor) -> Counts:
    scores, marks = scores[marks >= 0].double(), marks[marks >= 0]
    last = torch.ones(len(scores), dtype=torch.bool)  # of its ties: a threshold takes all rows of one score or none
    last[:-1] = scores[1:] != scores[:-1]
    true = marks.double().cumsum(0)
    rank = torch.arange(1, len(scores) + 1, dtype=torch.float64)
    return Counts(scores[last], true[last], (rank - true)[last])


def _of_bins(false: Tensor, true: Tensor) -> Counts:
    middle = ((torch.arange(NUM_BINS, dtype=torch.float64) + 0.5) / (NUM_BINS / 2) - 1).mul(WIDEST).sinh()
    filled = ((false + true) > 0).flip(0)
    sums = [part.double().flip(0).cumsum(0)[filled] for part in (true, false)]
    return Counts(middle.flip(0)[filled], sums[0], sums[1])


def _from_zero(sums: Tensor) -> Tensor:
    return torch.cat([sums.new_zeros(1), sums])
