"""Evaluation of a classifier with any number of labels per row, batch by batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.metrics.calibration import Calibration
from sonde.metrics.classification import (
    MOST_CURVES,
    WORST,
    class_table,
    log_odds,
    mean_of_defined,
    probability,
    scores_from,
)
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.mean import Mean, Total
from sonde.metrics.order_intervals import listed, mean_area_interval, mean_precision_interval
from sonde.metrics.ranking import Ranking, area, at_threshold, average_precision, best_threshold
from sonde.metrics.roc import class_curves
from sonde.metrics.top_k import TopRows

# B rows, L labels


class LabelsMeter:
    """Adds up log-odds and truths of each label, each evaluated at its own threshold.

    metrics: average_precision, auroc and macro_f1 (means over labels), label_accuracy (of all entries), subset_accuracy (rows
             with every label right), loss (the task's own) and, where outputs are probabilities, log_loss and ece;
             threshold/NAME of each label whose threshold is not 0.5
    notes:   what a reader of the numbers must know
    """

    def __init__(
        self, names: Sequence[str], *, thresholds: Sequence[float] | None = None, probabilistic: bool = True
    ) -> None:
        """thresholds: of the probability, one per label, 0.5 by default; probabilistic: False for a perceptron's scores."""
        self.names, self.probabilistic = list(names), probabilistic
        self.thresholds = list(thresholds or [0.5] * len(self.names))
        self.sums = Total()  # (4, L) int64: truly called, called, true, counted
        self.first_nan = FirstNaN()
        self.subset, self.log_loss, self.loss = Mean(), Mean(), Mean()
        self.calibration, self.ranking, self.worst = Calibration(), Ranking(), TopRows(WORST)
        self.subset_known = True

    @property
    def notes(self) -> list[str]:
        """Approximations that were made."""
        rows = f"{self.ranking.rows:,} rows"
        notes = [f"auroc and average_precision of {rows} are computed from binned scores (accurate to about 0.001)"]
        notes += [] if self.subset_known else [f"subset_accuracy of {rows} at the chosen thresholds is not known"]
        return notes if self.ranking.binned else []

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: odds (B, L), target (B, L), mask (B, L) where targets are missing, loss (B,), weight (B,) of the loss."""
        odds = outputs["odds"].detach()
        counted = outputs["mask"] > 0 if "mask" in outputs else torch.ones_like(odds, dtype=torch.bool)
        truth = (outputs["target"] > 0.5) & counted
        self.first_nan.update(odds, index)
        called = (odds >= self._limits(odds)) & counted
        self.sums.add(torch.stack([(called & truth).sum(0), called.sum(0), truth.sum(0), counted.sum(0)]))
        self.subset.update((called == truth).all(1).float())
        each = F.binary_cross_entropy_with_logits(odds, truth.to(odds.dtype), reduction="none") * counted
        self.log_loss.update(each.flatten(), counted.flatten())
        self.loss.update(outputs["loss"], outputs.get("weight"))
        self.calibration.update(odds.sigmoid(), truth, counted)
        self.ranking.update(odds, truth, counted)
        rows = {"odds": odds, "truth": truth, "counted": counted}
        self.worst.update(each.sum(1) / counted.sum(1).clamp(min=1), index, rows)

    def merge(self, other: "LabelsMeter") -> None:
        """Add another process's sums."""
        for name in ("sums", "subset", "log_loss", "loss", "calibration", "ranking", "worst", "first_nan"):
            getattr(self, name).merge(getattr(other, name))

    def compute(self) -> dict[str, float]:
        """All metrics over all rows so far; labels without a true or a false row are left out of means over labels.

        Raises: NonFinite when an output was NaN
        """
        self.first_nan.refuse()
        right, called, true, counted = self.sums.value()
        columns = self.ranking.counts()
        wrong = called + true - 2 * right
        found = {
            "average_precision": mean_of_defined([average_precision(column) for column in columns]),
            "auroc": mean_of_defined([area(column) for column in columns]),
            "macro_f1": float(scores_from(right, predicted=called, actual=true)[2].mean()),
            "label_accuracy": float(1 - wrong.sum() / counted.sum()),
        }
        if self.subset_known:
            found["subset_accuracy"] = float(self.subset.value())
        if self.probabilistic:
            found |= {"log_loss": float(self.log_loss.value()), "ece": self.calibration.error()}
        moved = {f"threshold/{name}": t for name, t in zip(self.names, self.thresholds, strict=True) if t != 0.5}
        return {**found, **moved, "loss": float(self.loss.value())}

    def choose_threshold(self) -> list[float]:
        """Evaluate, from now on and over the rows so far, each label at the threshold with its best F1; return those."""
        sums = self.sums.value()
        for place, counts in enumerate(self.ranking.counts()):
            score = best_threshold(counts)
            if score is None:
                continue
            self.thresholds[place] = probability(score)
            right, wrong = at_threshold(counts, log_odds(self.thresholds[place]))
            sums[0, place], sums[1, place] = right, right + wrong
        self.sums.sum = sums.long()
        self._subset_anew()
        return self.thresholds

    def details(self) -> dict[str, Any]:
        """per_class, roc, intervals and worst, and calibration of probabilities (docs/run-folder.md)."""
        right, called, true, _ = self.sums.value()
        found: dict[str, Any] = {
            "per_class": class_table(self.names, scores_from(right, predicted=called, actual=true), true),
            "worst": self._worst(),
            "roc": self._roc(right, true),
            "intervals": listed(
                auroc=mean_area_interval(self.ranking), average_precision=mean_precision_interval(self.ranking)
            ),
        }
        if self.probabilistic:
            found["calibration"] = self.calibration.table()
        return found

    def _roc(self, right: Tensor, true: Tensor) -> dict[str, Any]:
        """Both curves of each label; of many those with the lowest recall."""
        there = torch.nonzero(true > 0)[:, 0]
        recall = right[there] / true[there]
        chosen = sorted(there[recall.argsort(stable=True)][:MOST_CURVES].tolist())
        curves = class_curves(self.ranking.counts(chosen), [self.names[place] for place in chosen])
        return {"classes": curves, "of": max(2, len(there))}

    def _worst(self) -> list[dict[str, Any]]:
        rows = self.worst.rows
        called = (rows["odds"] >= self._limits(rows["odds"])) & rows["counted"]
        sure = torch.where(rows["counted"], torch.maximum(rows["odds"], -rows["odds"]).sigmoid(), 1.0).amin(1)
        return [
            {
                "index": int(rows["index"][n]),
                "target": self._named(rows["truth"][n]),
                "prediction": self._named(called[n]),
                "confidence": float(sure[n]) if self.probabilistic else None,
                "loss": float(rows["rank"][n]),
            }
            for n in range(len(called))
        ]

    def _named(self, chosen: Tensor) -> str:
        return ", ".join(name for name, flag in zip(self.names, chosen.tolist(), strict=True) if flag) or "none"

    def _limits(self, like: Tensor) -> Tensor:
        return torch.tensor([log_odds(t) for t in self.thresholds], dtype=like.dtype, device=like.device)

    def _subset_anew(self) -> None:
        self.subset_known = not self.ranking.binned
        if self.subset_known:
            scores, truth = torch.cat(self.ranking.scores, 1), torch.cat(self.ranking.truths, 1)
            called = scores >= self._limits(scores)[:, None]
            self.subset = Mean()
            self.subset.update(((called == (truth == 1)) | (truth < 0)).all(0).float())
