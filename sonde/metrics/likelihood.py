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

    def __init__(self, dimensions: int, *, share: float | None = None) -> None:
        """share: of the second of two densities that are averaged, where rows come with both"""
        self.dimensions, self.share = dimensions, share
        self.both: list[Tensor] = []
        self.loss, self.bits = Mean(), Mean()
        self.rows: list[Tensor] = []

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: loss (B,), nats with the class where there is one, and nats (B,) of the input alone; both (B, 2)
        log-densities where two are averaged."""
        self.loss.update(outputs["loss"])
        self.bits.update(outputs["nats"] / (self.dimensions * math.log(2)))
        self.rows.append(outputs["loss"].detach().to(widest(outputs["loss"].device)).cpu())
        if "both" in outputs:
            self.both.append(outputs["both"].detach().cpu().double())

    def merge(self, other: "LikelihoodMeter") -> None:
        """Add another process's rows."""
        self.loss.merge(other.loss)
        self.bits.merge(other.bits)
        self.rows += other.rows
        self.both += other.both

    def compute(self) -> dict[str, float]:
        """{"loss": nats a row, "bits_per_dim": bits}."""
        return {"loss": float(self.loss.value()), "bits_per_dim": float(self.bits.value())}

    def weigh(self, share: float) -> None:
        """Tell the rows by another average of their two densities."""
        first, second = torch.cat(self.both).unbind(1)
        loss = -torch.logaddexp(first + math.log1p(-share), second + math.log(share))
        self.share, self.loss, self.bits, self.rows = share, Mean(), Mean(), []
        both, self.both = self.both, []
        self.update({"loss": loss, "nats": loss}, torch.arange(len(loss)))
        self.both = both

    def quantiles(self) -> list[float]:
        """Of the rows' losses, 0..1 in even steps."""
        rows = torch.cat(self.rows)
        found = rows.sort().values[torch.linspace(0, len(rows) - 1, POINTS).round().long()]
        return found.tolist()

    def details(self) -> dict[str, Any]:
        """{"likelihoods": quantiles of the rows' log-likelihoods, the least likely first, "mixture": {"share"}}."""
        found: dict[str, Any] = {"likelihoods": [-loss for loss in reversed(self.quantiles())]}
        return found if self.share is None else {**found, "mixture": {"share": self.share}}
