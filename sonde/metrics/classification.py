"""Evaluation of a classifier with one class per row, batch by batch."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sonde.metrics.by_row import ByRow, answers_table
from sonde.metrics.calibration import Calibration
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.mean import Mean, Total
from sonde.metrics.order_intervals import listed, mean_area_interval, mean_precision_interval
from sonde.metrics.ranking import Ranking, area, at_threshold, average_precision, best_threshold, curve
from sonde.metrics.roc import class_curves
from sonde.metrics.top_k import TopRows

WORST = 24
BEST = 8
TOP = 5
MOST_CURVES = 12  # classes

# B rows, C classes


class ClassificationMeter:
    """Adds up log-probabilities and truths; two classes are evaluated at a threshold on the second one's probability.

    metrics: accuracy, balanced_accuracy, macro_f1, auroc, loss (the task's own) and, where outputs are probabilities,
             log_loss and ece; top5_accuracy above five classes; f1 and average_precision of the second of two classes,
             and the threshold they were evaluated at, when it is not 0.5
    notes:   what a reader of the numbers must know
    """

    def __init__(self, names: Sequence[str], *, threshold: float = 0.5, probabilistic: bool = True) -> None:
        """threshold: for two classes; probabilistic: False where scores are no probabilities (a perceptron's)."""
        self.names, self.threshold, self.probabilistic = list(names), threshold, probabilistic
        self.binary = len(self.names) == 2
        self.confusion = Total()  # (C, C) int64: rows truth, columns prediction
        self.first_nan = FirstNaN()
        self.top, self.log_loss, self.loss = Mean(), Mean(), Mean()
        self.calibration, self.ranking = Calibration(), Ranking()
        self.worst, self.best = TopRows(WORST), TopRows(BEST)
        self.by_row = ByRow()
        self._auroc: float | None = None  # once it was computed of what was added so far

    @property
    def notes(self) -> list[str]:
        """Approximations that were made."""
        if not self.ranking.binned:
            return []
        return [f"auroc of {self.ranking.rows:,} rows is computed from binned scores (accurate to about 0.001)"]

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: logp (B, C), target (B,), loss (B,), and weight (B,) of the loss where rows weigh differently."""
        self._auroc = None
        logp, target = outputs["logp"].detach(), outputs["target"]
        self.first_nan.update(logp, index)
        prediction = self._predict(logp)
        place = target * len(self.names) + prediction
        counts = torch.zeros(len(self.names) ** 2, dtype=torch.int64, device=logp.device)
        counts.index_add_(0, place, torch.ones_like(place))
        self.confusion.add(counts.view(len(self.names), -1))
        truth = logp.gather(1, target[:, None])
        self.log_loss.update(-truth[:, 0])
        self.loss.update(outputs["loss"], outputs.get("weight"))
        if len(self.names) > TOP:
            self.top.update(_in_top(logp, truth, target))
        likeliest = logp.max(1)
        self.calibration.update(likeliest.values.exp(), likeliest.indices == target)
        self._rank(logp, target)
        self.worst.update(-truth[:, 0], index, {"target": target, "logp": logp})
        self.best.update(truth[:, 0], index, {"target": target, "logp": logp})
        scored = {"score": logp[:, 1] - logp[:, 0]} if self.binary else {"prediction": prediction}
        self.by_row.update(index, target=target, log_loss=-truth[:, 0], **scored)

    def merge(self, other: "ClassificationMeter") -> None:
        """Add another process's sums."""
        for name in (
            "confusion",
            "top",
            "log_loss",
            "loss",
            "calibration",
            "ranking",
            "worst",
            "best",
            "first_nan",
            "by_row",
        ):
            getattr(self, name).merge(getattr(other, name))
        self._auroc = None

    def compute(self) -> dict[str, float]:
        """All metrics over all rows so far. Raises: NonFinite when an output was NaN."""
        self.first_nan.refuse()
        confusion = self.confusion.value()
        precision, recall, f1 = scores_of(confusion)
        support = confusion.sum(1)
        seen = support + confusion.sum(0) > 0
        found = {
            "accuracy": float(confusion.diagonal().sum() / confusion.sum()),
            "balanced_accuracy": float(recall[support > 0].mean()),
            "macro_f1": float(f1[seen].mean()),
        }
        if len(self.names) > TOP:
            found["top5_accuracy"] = float(self.top.value())
        columns = self.ranking.counts()
        found["auroc"] = mean_of_defined([area(column) for column in columns])
        self._auroc = found["auroc"]
        if self.binary:
            found |= {"f1": float(f1[1]), "average_precision": average_precision(columns[0])}
        if self.probabilistic:
            found |= {"log_loss": float(self.log_loss.value()), "ece": self.calibration.error()}
        if self.binary and self.threshold != 0.5:
            found["threshold"] = self.threshold
        return {**found, "loss": float(self.loss.value())}

    def choose_threshold(self) -> float:
        """Evaluate, from now on and over the rows so far, at the threshold with the best F1 of the second class; return it."""
        counts = self.ranking.counts()[0]
        score = best_threshold(counts)
        if score is None:
            return self.threshold
        self.threshold = probability(score)
        true, false = at_threshold(counts, log_odds(self.threshold))
        positives, negatives = float(counts.true[-1]), float(counts.false[-1])
        self.confusion.sum = torch.tensor([[negatives - false, false], [positives - true, true]]).long()
        return self.threshold

    def details(self) -> dict[str, Any]:
        """confusion, per_class, answers, roc, intervals, worst and best; calibration of probabilities; curve for two classes
        (docs/run-folder.md)."""
        confusion = self.confusion.value()
        found: dict[str, Any] = {
            "confusion": {"names": self.names, "counts": confusion.long().tolist()},
            "per_class": class_table(self.names, scores_of(confusion), confusion.sum(1)),
            "answers": self._answers(),
            "worst": self._cases(self.worst),
            "best": self._cases(self.best),
        }
        if self.probabilistic:
            found["calibration"] = self.calibration.table()
        if self.binary and bool((confusion.sum(1) > 0).all()):
            found["curve"] = curve(self.ranking.counts()[0])
        found["roc"] = self._roc(confusion)
        precision = mean_precision_interval(self.ranking) if self.binary else None
        found["intervals"] = listed(auroc=mean_area_interval(self.ranking, self._auroc), average_precision=precision)
        return found

    def _roc(self, confusion: Tensor) -> dict[str, Any]:
        """Both curves of the second of two classes, or of each; of many those with the lowest recall, which are of interest."""
        if self.binary:
            return {"classes": class_curves(self.ranking.counts(), self.names[1:]), "of": 1}
        recall = scores_of(confusion)[1]
        there = torch.nonzero(confusion.sum(1) > 0)[:, 0]
        chosen = sorted(there[recall[there].argsort(stable=True)][:MOST_CURVES].tolist())
        names = [self.names[place] for place in chosen]
        return {"classes": class_curves(self.ranking.counts(chosen), names), "of": len(there)}

    def _predict(self, logp: Tensor) -> Tensor:
        if not self.binary:
            return logp.argmax(1)
        return (logp[:, 1] - logp[:, 0] >= log_odds(self.threshold)).long()

    def _rank(self, logp: Tensor, target: Tensor) -> None:
        if self.binary:
            self.ranking.update((logp[:, 1] - logp[:, 0])[:, None], target[:, None])
            return
        odds = logp - (-torch.expm1(logp)).log()  # log(1 - p) without rounding p to 1
        classes = torch.arange(len(self.names), device=logp.device)
        self.ranking.update(odds, target[:, None] == classes)

    def _answers(self) -> dict[str, Any]:
        """Each row's class, the class that is predicted, and -log p of the truth."""
        columns = self.by_row.columns()
        if "score" in columns:
            columns["prediction"] = (columns.pop("score") >= log_odds(self.threshold)).long()
        if not self.probabilistic:
            columns.pop("log_loss", None)
        return answers_table(self.by_row.rows, columns)

    def _cases(self, top: TopRows) -> list[dict[str, Any]]:
        """The rows that were kept, as a person reads them; "loss" is -log p of the truth."""
        rows = top.rows
        prediction = self._predict(rows["logp"])
        confidence = rows["logp"].gather(1, prediction[:, None])[:, 0].exp().tolist()
        losses = -rows["logp"].gather(1, rows["target"][:, None])[:, 0]
        listed = zip(rows["index"].tolist(), rows["target"].tolist(), losses.tolist(), strict=True)
        return [
            {
                "index": index,
                "target": self.names[target],
                "prediction": self.names[chosen],
                "confidence": sure if self.probabilistic else None,
                "loss": loss,
            }
            for (index, target, loss), chosen, sure in zip(listed, prediction.tolist(), confidence, strict=True)
        ]


def scores_of(confusion: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(precision, recall, F1) of each class, (C,) each, from counts (C, C); 0 where a quotient is 0 / 0."""
    right = confusion.diagonal()
    return scores_from(right, predicted=confusion.sum(0), actual=confusion.sum(1))


def scores_from(right: Tensor, *, predicted: Tensor, actual: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(precision, recall, F1) from counts, elementwise; 0 where a quotient is 0 / 0."""
    precision, recall = right / predicted.clamp(min=1), right / actual.clamp(min=1)
    return precision, recall, 2 * right / (predicted + actual).clamp(min=1)


def class_table(names: Sequence[str], scores: tuple[Tensor, Tensor, Tensor], support: Tensor) -> dict[str, Any]:
    """For per_class.json. scores: as `scores_of` gives them; support: (C,) rows of each class"""
    precision, recall, f1 = (each.tolist() for each in scores)
    counts = support.long().tolist()
    return {"names": list(names), "precision": precision, "recall": recall, "f1": f1, "support": counts}


def mean_of_defined(values: Sequence[float]) -> float:
    """The mean of those that are not NaN; NaN where none is.

    >>> mean_of_defined([0.5, float("nan"), 1.0])
    0.75
    """
    defined = [value for value in values if not math.isnan(value)]
    return sum(defined) / len(defined) if defined else math.nan


def log_odds(probability: float) -> float:
    """log(p / (1 - p)).

    >>> log_odds(0.5)
    0.0
    """
    return math.log(probability) - math.log1p(-probability)


def probability(score: float) -> float:
    """The inverse of `log_odds`, kept so far from 0 and 1 that it has one.

    >>> probability(0.0), 0 < probability(-1e9) < probability(1e9) < 1
    (0.5, True)
    """
    return 1 / (1 + math.exp(-max(-30.0, min(score, 30.0))))


def _in_top(logp: Tensor, truth: Tensor, target: Tensor) -> Tensor:
    """Whether the true class is among the five most likely, equal ones in the order of classes: (B,)."""
    classes = torch.arange(logp.shape[1], device=logp.device)
    before = (logp > truth) | ((logp == truth) & (classes < target[:, None]))
    return before.sum(1) < TOP
