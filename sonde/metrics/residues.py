"""Evaluation of residues predicted for backbones, position by position."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sonde.core.units import share
from sonde.core.vocabulary import PAD
from sonde.metrics.classification import class_table, scores_of
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.mean import Mean, Total

CASES = 8  # chains stored whole

# B proteins, R residues of the longest, C symbols


class ResiduesMeter:
    """Adds up residues and truths; every place has the same weight.

    metrics: recovery, the share of residues predicted correctly; perplexity, e to the loss
             (a uniform guess has 20); loss in nats per residue
    """

    def __init__(self, names: Sequence[str], *, first: int) -> None:
        """names: of the symbols from number `first` on."""
        self.names, self.first = list(names), first
        self.confusion = Total()  # (C, C) int64: rows truth, columns prediction
        self.first_nan = FirstNaN()
        self.loss = Mean()
        self.worst: list[dict[str, Any]] = []

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add proteins: prediction and target (B, R), loss and its weight of each place (B, R)."""
        self.first_nan.update(outputs["loss"], index)
        prediction, target = outputs["prediction"], outputs["target"]
        counted, size = target != PAD, len(self.names)
        place = (target[counted] - self.first) * size + (prediction[counted] - self.first)
        self.confusion.add(torch.bincount(place, minlength=size * size).view(size, size))
        self.loss.update(outputs["loss"].flatten(), outputs["weight"].flatten())
        self._keep([self._case(*row) for row in zip(prediction, target, index.tolist(), strict=True)])

    def merge(self, other: "ResiduesMeter") -> None:
        """Add another process's sums."""
        self.confusion.merge(other.confusion)
        self.first_nan.merge(other.first_nan)
        self.loss.merge(other.loss)
        self._keep(other.worst)

    def compute(self) -> dict[str, float]:
        """All metrics over all places so far. Raises: NonFinite when an output was NaN."""
        self.first_nan.refuse()
        confusion = self.confusion.value()
        loss = float(self.loss.value())
        recovery = float(confusion.diagonal().sum() / confusion.sum())
        return {"recovery": recovery, "perplexity": float(torch.tensor(loss).exp()), "loss": loss}

    def details(self) -> dict[str, Any]:
        """confusion and per_class in residues, and the worst chains as letters (docs/run-folder.md)."""
        confusion = self.confusion.value()
        return {
            "confusion": {"names": self.names, "counts": confusion.long().tolist(), "unit": "residues"},
            "per_class": {**class_table(self.names, scores_of(confusion), confusion.sum(1)), "unit": "residues"},
            "worst": self.worst,
        }

    def _case(self, prediction: Tensor, target: Tensor, index: int) -> dict[str, Any]:
        known = target != PAD
        predicted, true = (values[known].cpu() - self.first for values in (prediction, target))
        right = float((predicted == true).double().mean())
        return {
            "index": index,
            "target": "".join(self.names[n] for n in true.tolist()),
            "prediction": "".join(self.names[n] for n in predicted.tolist()),
            "recovered": share(right, 0),
            "confidence": None,
            "loss": 1 - right,
        }

    def _keep(self, more: Sequence[dict[str, Any]]) -> None:
        ordered = sorted([*self.worst, *more], key=lambda case: (-case["loss"], case["index"]))
        self.worst = ordered[:CASES]
