"""How well a score tells what is not normal: the order of the scores, and a threshold with a stated rate of false alarms."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sonde.core.units import count, number, share
from sonde.metrics.mean import Mean
from sonde.metrics.order_intervals import area_gained
from sonde.metrics.ranking import Ranking, area, average_precision
from sonde.metrics.roc import class_curves
from sonde.metrics.top_k import TopRows

WORST = 24  # rows that are listed
BARS = 40  # of the histogram of scores
MOST_CLASSES = 50  # that are listed

# B rows, C classes


class AnomalyMeter:
    """Scores of rows that are normal and of rows that are not, where that is known; else all are taken for normal."""

    def __init__(
        self,
        names: Sequence[str],
        normal: Sequence[bool],
        *,
        false_alarms: float,
        threshold: float | None,
        promised: float | None = None,
        error: str = "loss",
        score: str = "",
        beside: str = "",
    ) -> None:
        """names: of the classes, () where there are none;  normal: which of them are
        threshold: above it a row is called an anomaly; None where no validation chose one yet
        promised:  the rate at which new normal rows exceed it at most, on average; None where that is not known
        error: what the mean of `loss` is called: another name where training adds to it, so that nobody compares the two
        score, beside: what the score is called, and the other score that `loss` is; "" where there is none
        """
        self.names, self.normal = list(names), torch.tensor(list(normal), dtype=torch.bool)
        self.false_alarms, self.threshold, self.promised = false_alarms, threshold, promised
        self.scores: list[Tensor] = []
        self.targets: list[Tensor] = []
        self.worst = TopRows(WORST)
        self.loss, self.error = Mean(), error
        self.score, self.beside = score, beside
        self.others: list[Tensor] = []

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: score (B,), loss (B,), and target (B,) where rows have classes."""
        score = outputs["score"].detach()
        target = outputs["target"] if self.names else torch.zeros(len(score), dtype=torch.long, device=score.device)
        normal = self._is_normal(target)
        self.loss.update(outputs["loss"], normal.to(score.dtype))
        self.scores.append(score.cpu())
        if self.beside:
            self.others.append(outputs["loss"].detach().cpu())
        self.targets.append(target.cpu())
        self.worst.update(score, index, {"target": target})

    def merge(self, other: "AnomalyMeter") -> None:
        """Add another process's rows."""
        self.loss.merge(other.loss)
        self.scores += other.scores
        self.targets += other.targets
        self.others += other.others
        self.worst.merge(other.worst)

    def compute(self) -> dict[str, float]:
        """The error of the normal rows; with classes auroc and average_precision of anomalies; at the threshold false_alarm_rate,
        of the normal rows, and detection_rate, of the anomalies."""
        found = {self.error: float(self.loss.value())}
        score, normal = self._all()
        if 0 < int(normal.sum()) < len(normal):
            counts = self._ranking(score, normal).counts()[0]
            found = {"auroc": area(counts), "average_precision": average_precision(counts), **found}
        if self.threshold is not None:
            for name, which in (("false_alarm_rate", normal), ("detection_rate", ~normal)):
                if which.any():
                    found[name] = float((score[which] > self.threshold).double().mean())
        return found

    def choose_threshold(self) -> float | None:
        """The score that normal rows exceed at the stated rate; from now on this meter's. None without normal rows."""
        score, normal = self._all()
        if not normal.any():
            return None
        self.threshold, self.promised = threshold_for(score[normal], self.false_alarms)
        return self.threshold

    def details(self) -> dict[str, Any]:
        """scores: a histogram, the threshold, and the rate of false alarms that so many normal rows can promise, the score's name
        and what the other one reaches (`beside`); by_class; worst, the rows with the highest scores; roc."""
        score, normal = self._all()
        scores = {**self._histogram(score, normal), "score": self.score}
        if self.beside and min(int(normal.sum()), int((~normal).sum())) > 1:
            others = torch.cat(self.others).double()
            scores["beside"] = {"score": self.beside, **beside(score, others, normal, self.false_alarms)}
        found: dict[str, Any] = {"scores": scores, "worst": self._cases()}
        if self.names:
            found["by_class"] = self._by_class(score)
            if 0 < int(normal.sum()) < len(normal):
                counts = self._ranking(score, normal).counts()
                found["roc"] = {"classes": class_curves(counts, ["anomaly"]), "of": 1}
        return found

    def _is_normal(self, target: Tensor) -> Tensor:
        return self.normal.to(target.device)[target] if self.names else torch.ones_like(target, dtype=torch.bool)

    def _all(self) -> tuple[Tensor, Tensor]:
        """(scores (N,), whether each row is normal (N,))."""
        return torch.cat(self.scores).double(), self._is_normal(torch.cat(self.targets))

    def _ranking(self, score: Tensor, normal: Tensor) -> Ranking:
        ranking = Ranking()
        ranking.update(score[:, None], (~normal)[:, None])
        return ranking

    def _histogram(self, score: Tensor, normal: Tensor) -> dict[str, Any]:
        low, high = float(score.min()), float(score.quantile(0.99) if len(score) < 10**7 else score.max())
        high = max(high, self.threshold or high, low + 1e-12)
        parts = [torch.histc(score[which].clamp(low, high), BARS, low, high) for which in (normal, ~normal)]
        return {
            "low": low,
            "high": high,
            "normal": parts[0].long().tolist(),
            "anomalous": parts[1].long().tolist(),
            "threshold": self.threshold,
            "false_alarms": self.false_alarms,
            "promised": self.promised,
        }

    def _by_class(self, score: Tensor) -> list[dict[str, Any]]:
        target = torch.cat(self.targets)
        rows = []
        for place, name in enumerate(self.names[:MOST_CLASSES]):
            mine = score[target == place]
            if len(mine):
                above = None if self.threshold is None else float((mine > self.threshold).double().mean())
                normal = bool(self.normal[place])
                rows.append(
                    {"name": name, "normal": normal, "rows": len(mine), "score": float(mine.median()), "above": above}
                )
        return rows

    def _cases(self) -> list[dict[str, Any]]:
        rows = self.worst.rows
        listed = zip(rows["index"].tolist(), rows["rank"].tolist(), rows["target"].tolist(), strict=True)
        return [
            {
                "index": index,
                "target": self.names[target] if self.names else "",
                "prediction": "" if self.threshold is None else "anomaly" if score > self.threshold else "normal",
                "confidence": None,
                "loss": score,
            }
            for index, score, target in listed
        ]


def beside(scores: Tensor, others: Tensor, normal: Tensor, false_alarms: float) -> dict[str, Any]:
    """Two scores of the same rows (N,), the first and the second of each pair of numbers.

    auroc, and of the anomalies detection_rate: those that exceed a threshold which these normal rows exceed at the stated rate
    gained: the 95 % interval of the second's auroc less the first's;  alone: how many anomalies that one alone finds
    """
    both, truth = (scores, others), (~normal).numpy()
    found = [each[~normal] > threshold_for(each[normal], false_alarms)[0] for each in both]
    gained = area_gained(scores.numpy(), others.numpy(), truth)
    areas = []
    for each in both:
        ranking = Ranking()
        ranking.update(each[:, None], (~normal)[:, None])
        areas.append(area(ranking.counts()[0]))
    return {
        "auroc": areas,
        "gained": None if gained is None else [gained.low, gained.high],
        "detection_rate": [float(each.double().mean()) for each in found],
        "alone": [int((found[0] & ~found[1]).sum()), int((found[1] & ~found[0]).sum())],
    }


def threshold_for(scores: Tensor, false_alarms: float) -> tuple[float, float]:
    """(A score, the rate at which new normal rows exceed it at most, on average) of held-out scores of normal rows (N,).

    The k-th smallest with k = ceil((N + 1)(1 - rate)), which exchangeable rows exceed with probability 1 - k / (N + 1); where N
    is too small for the rate, the largest.
    Source: split conformal prediction, Vovk et al. 2005, Algorithmic Learning in a Random World; Lei et al. 2018, JASA 113(523)
    """
    count = len(scores)
    place = min(count, math.ceil((count + 1) * (1 - false_alarms) - 1e-9))
    return float(scores.double().sort().values[place - 1]), 1 - place / (count + 1)


def threshold_told(threshold: float | None, false_alarms: float, promised: float | None = None) -> list[str]:
    """What a threshold means, in a line; none where there is no threshold.

    >>> threshold_told(1.5, 0.01, 0.0099)
    ['threshold 1.50: of new normal rows 1.0 % score higher at most, on average, and are called anomalies']
    >>> threshold_told(1.5, 0.01, 0.05)[0].partition(": ")[2]
    'of new normal rows 5.0 % score higher on average; the 1.0 % of --false-alarms takes 99 held-out normal rows or more'
    """
    if threshold is None:
        return []
    told, stated = f"threshold {number(threshold)}: of new normal rows", share(false_alarms, 1)
    if promised is None or promised <= false_alarms + 1e-9:
        return [f"{told} {stated} score higher at most, on average, and are called anomalies"]
    enough = (
        f"{count(math.ceil(1 / false_alarms) - 1)} held-out normal rows or more" if false_alarms else "more than any"
    )
    return [f"{told} {share(promised, 1)} score higher on average; the {stated} of --false-alarms takes {enough}"]
