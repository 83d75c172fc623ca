"""How well inputs are given back: means over rows, how many numbers of the latent vary, how much of a codebook is in use."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sonde.metrics.mean import Mean, Total, widest

APART = ("latent", "code")  # fields that are not means
ACTIVE = 0.01  # variance over rows above which a number of the latent is in use: Burda et al. 2015, arXiv:1509.00519

# B rows, L numbers of a latent, P places of a map of codes, K codes


class ReconstructionMeter:
    """Means of whatever (B,) fields come, by name; of `latent` (B, L) how many numbers vary, of `code` (B, P) which occur."""

    def __init__(self, *, codes: int = 0) -> None:
        """codes: K, of a codebook"""
        self.codes = codes
        self.means: dict[str, Mean] = {}
        self.moments, self.counts = Mean(), Total()

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: (B,) fields; latent (B, L) and code (B, P) int64 where there are any."""
        for name, values in outputs.items():
            if name not in APART:
                self.means.setdefault(name, Mean()).update(values)
        if "latent" in outputs:
            latent = outputs["latent"].to(widest(outputs["latent"].device))
            self.moments.update(torch.cat([latent, latent.square()], 1))
        if "code" in outputs:
            self.counts.add(torch.bincount(outputs["code"].flatten(), minlength=self.codes))

    def merge(self, other: "ReconstructionMeter") -> None:
        """Add another process's rows."""
        for name, mean in other.means.items():
            self.means.setdefault(name, Mean()).merge(mean)
        self.moments.merge(other.moments)
        self.counts.merge(other.counts)

    def compute(self) -> dict[str, float]:
        """The means, active_units (those in use), codebook_use (a share) and perplexity (codes, if all were chosen evenly)."""
        found = {name: float(mean.value()) for name, mean in self.means.items()}
        if self.moments.total is not None:
            found["active_units"] = float((self._variance() > ACTIVE).sum())
        if self.counts.sum is not None:
            counts = self.counts.value()
            shares = counts[counts > 0] / counts.sum()
            found["codebook_use"] = float((counts > 0).double().mean())
            found["perplexity"] = float((-(shares * shares.log()).sum()).exp())
        return found

    def details(self) -> dict[str, Any]:
        """{"latent": variances over rows, most first}; {"codebook": choices of each code, most first}."""
        found: dict[str, Any] = {}
        if self.moments.total is not None:
            found["latent"] = {"variance": self._variance().sort(descending=True).values.tolist()}
        if self.counts.sum is not None:
            found["codebook"] = {"counts": self.counts.value().long().sort(descending=True).values.tolist()}
        return found

    def _variance(self) -> Tensor:
        mean, square = self.moments.value().chunk(2)
        return square - mean.square()
