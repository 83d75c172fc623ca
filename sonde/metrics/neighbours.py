"""k-nearest-neighbour accuracy: how well features predict the classes of rows, without training anything."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.metrics.mean import Mean

NEIGHBOURS = 20
SHARPNESS = 0.07  # temperature of the vote
BANK = 4096  # rows that are kept; more would take longer than evaluation itself
AT_ONCE = 1024  # rows of the bank compared with all others at a time
SCATTER = 2_654_435_761  # Knuth's multiplier for 32-bit hashing: spreads row numbers evenly over 0..2^32

# B rows, D numbers of a row, N rows of the bank


class NeighboursMeter:
    """Loss, and where rows have classes the accuracy of a vote among the nearest rows by cosine similarity.

    Each row is evaluated by the others of the same evaluation: rows and neighbours are both held back from training. Of more
    than `BANK` rows some are chosen by a hash of their number, the same ones in every evaluation and in any order of batches.
    Source: Wu et al. 2018, Unsupervised feature learning via non-parametric instance discrimination, arXiv:1805.01978,
    section 3.4
    """

    def __init__(self, num_classes: int, *, bank: int = BANK) -> None:
        """num_classes: 0 where rows have no classes; then the loss alone is evaluated."""
        self.num_classes, self.size = num_classes, bank
        self.loss = Mean()
        self.bank: dict[str, Tensor] = {}

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: loss (B,), features (B, D) and, where there are classes, target (B,)."""
        self.loss.update(outputs["loss"])
        if self.num_classes:
            features, target = outputs["features"].detach().float(), outputs["target"]
            key = (index * SCATTER % 2**32).to(features.device)
            self._keep({"key": key, "features": F.normalize(features, dim=1), "target": target})

    def merge(self, other: "NeighboursMeter") -> None:
        """Add another process's rows."""
        self.loss.merge(other.loss)
        if other.bank:
            self._keep(other.bank)

    def compute(self) -> dict[str, float]:
        """Metrics by name; no accuracy where no row has a neighbour."""
        found = {"loss": float(self.loss.value())}
        if self.bank and len(self.bank["key"]) > 1:
            return {"knn_accuracy": self._accuracy(), **found}
        return found

    def details(self) -> dict[str, Any]:
        """Nothing more is known of single rows."""
        return {}

    def _keep(self, rows: Mapping[str, Tensor]) -> None:
        if self.bank:
            rows = {
                name: torch.cat([self.bank[name], values.to(self.bank[name].device)]) for name, values in rows.items()
            }
        order = rows["key"].argsort()[: self.size]
        self.bank = {name: values[order] for name, values in rows.items()}

    def _accuracy(self) -> float:
        features, target = self.bank["features"], self.bank["target"]
        count = min(NEIGHBOURS, len(features) - 1)
        right = 0
        for start in range(0, len(features), AT_ONCE):
            similarity = features[start : start + AT_ONCE] @ features.T  # (b, N)
            places = torch.arange(len(similarity), device=features.device)
            similarity[places, places + start] = -torch.inf  # a row is no neighbour of its own
            nearest, rows = similarity.topk(count, dim=1)
            votes = torch.zeros(len(similarity), self.num_classes, device=features.device)
            votes.scatter_add_(1, target[rows], ((nearest - 1) / SHARPNESS).exp())
            right += int((votes.argmax(1) == target[start : start + AT_ONCE]).sum())
        return right / len(features)
