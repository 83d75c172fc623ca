"""How likely held-out rows are."""

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sonde.metrics.mean import Mean, widest

POINTS = 101  # of a distribution that is kept


class LikelihoodMeter:
    """Mean negative log-likelihood in nats a row, and in bits for each dimension of an input."""

    def __init__(self, dimensions: int) -> None:
        self.dimensions = dimensions
        self.loss, self.bits = Mean(), Mean()
        self.rows: list[Tensor] = []

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: loss (B,), nats with the class where there is one, and nats (B,) of the input alone."""
        self.loss.update(outputs["loss"])
        self.bits.update(outputs["nats"] / (self.dimensions * math.log(2)))
        self.rows.append(outputs["loss"].detach().to(widest(outputs["loss"].device)).cpu())

    def merge(self, other: "LikelihoodMeter") -> None:
        """Add another process's rows."""
        self.loss.merge(other.loss)
        self.bits.merge(other.bits)
        self.rows += other.rows

    def compute(self) -> dict[str, float]:
        """{"loss": nats a row, "bits_per_dim": bits}."""
        return {"loss": float(self.loss.value()), "bits_per_dim": float(self.bits.value())}

    def quantiles(self) -> list[float]:
        """Of the rows' losses, 0..1 in even steps."""
        rows = torch.cat(self.rows)
        found = rows.sort().values[torch.linspace(0, len(rows) - 1, POINTS).round().long()]
        return found.tolist()

    def details(self) -> dict[str, Any]:
        """{"likelihoods": quantiles of the rows' log-likelihoods, the least likely first}."""
        return {"likelihoods": [-loss for loss in reversed(self.quantiles())]}
