"""How well a policy follows logged actions, or, where it is played, what its episodes return."""

from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from sonde.metrics.episodes import EpisodesMeter

MODES: Mapping[str, Literal["max", "min"]] = {"log_likelihood": "max", "accuracy": "max", "mae": "min", "mse": "min"}


class FollowedMeter:
    """Means over logged steps of what `evaluate` gives by row; of rows that are episodes, what `EpisodesMeter` has."""

    def __init__(self) -> None:
        self._episodes = EpisodesMeter()
        self._sums: dict[str, float] = {}
        self._rows = 0

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows, or episodes by their number."""
        if "return" in outputs:
            self._episodes.update(outputs, index)
            return
        self._rows += len(index)
        for name, values in outputs.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(values.to(torch.float64).sum())

    def merge(self, other: "FollowedMeter") -> None:
        """Add another's."""
        self._episodes.merge(other._episodes)
        self._rows += other._rows
        for name, value in other._sums.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def compute(self) -> dict[str, float]:
        """The metrics."""
        if not self._rows:
            return self._episodes.compute()
        return {name: value / self._rows for name, value in self._sums.items()}

    def details(self) -> dict[str, Any]:
        """Of episodes each one's return and length."""
        return {} if self._rows else self._episodes.details()
