"""Means over a set of what batches give: each batch counts by its rows, or by what its loss says that it is the mean of."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sonde.tasks.custom.finite import NAN_ROWS, FiniteEvaluation
from sonde.tasks.custom.judged import JUDGED
from sonde.tasks.custom.measure import KEPT
from sonde.tasks.custom.scalars import scalar

MEAN_OF = "(weights)"
"""Key under which an evaluation hands a meter name -> what that mean is one of, where that is not the rows: a number, or a scalar
on the device."""

BESIDES = (KEPT, NAN_ROWS, MEAN_OF, JUDGED)


class Means:
    """Sums in float64 of named means, and of their weights; and whether losses and outputs were numbers."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._weights: dict[str, float] = {}
        self._finite = FiniteEvaluation()
        self.rows = 0

    def add(self, outputs: Mapping[str, Any], index: Tensor) -> None:
        """Add a batch: scalar means by name. A mean of nothing (weight 0) counts nothing, though it be NaN."""
        rows, weights = len(index), outputs.get(MEAN_OF, {})
        self.rows += rows
        if NAN_ROWS in outputs:
            self._finite.output(outputs[NAN_ROWS], index)
        for name, value in outputs.items():
            if name in BESIDES:
                continue
            mean, weight = float(scalar(name, value)), float(weights.get(name, rows))
            self._weights[name] = self._weights.get(name, 0.0) + weight
            if weight:
                self._sums[name] = self._sums.get(name, 0.0) + mean * weight
                if name == "loss" or name.endswith(" loss"):
                    self._finite.loss(name, mean, index)

    def merge(self, other: "Means") -> None:
        """Add another process's sums."""
        for mine, others in ((self._sums, other._sums), (self._weights, other._weights)):
            for name, value in others.items():
                mine[name] = mine.get(name, 0.0) + value
        self.rows += other.rows
        self._finite.merge(other._finite)

    def refuse(self) -> None:
        """Raises: NonFinite for an output that held a NaN, and a loss that was no finite number"""
        self._finite.refuse()

    def compute(self) -> dict[str, float]:
        """Name -> mean over all that counts; NaN where nothing does."""
        return {
            name: self._sums.get(name, 0.0) / weight if weight else float("nan")
            for name, weight in self._weights.items()
        }
