"""Whether a confidence of 80 % is right 80 % of the time."""

from typing import Any

import torch
from torch import Tensor

from sonde.metrics.mean import Total, widest


class Calibration:
    """Counts, mean confidence and accuracy in equally wide bins of confidence, the upper edge belonging to the bin.

    Source: Guo et al. 2017, arXiv:1706.04599
    """

    def __init__(self, num_bins: int = 15) -> None:
        self.num_bins = num_bins
        self.sums = Total()  # (3, bins): rows, sum of confidence, rows that were right

    def update(self, confidence: Tensor, correct: Tensor, counted: Tensor | None = None) -> None:
        """Add confidences in [0, 1] and whether each was right (same shape); `counted` 0 leaves an entry out."""
        wide = confidence.detach().flatten().to(widest(confidence.device))
        edges = torch.linspace(0, 1, self.num_bins + 1, dtype=wide.dtype, device=wide.device)[1:-1]
        share = torch.ones_like(wide) if counted is None else counted.flatten().to(wide.dtype)
        values = torch.stack([share, share * wide, share * correct.flatten().to(wide.dtype)])
        sums = torch.zeros(3, self.num_bins, dtype=wide.dtype, device=wide.device)
        self.sums.add(sums.index_add_(1, torch.bucketize(wide, edges), values))

    def merge(self, other: "Calibration") -> None:
        """Add another process's bins."""
        self.sums.merge(other.sums)

    def error(self) -> float:
        """Expected calibration error: |accuracy - confidence| of the bins, averaged over rows."""
        rows, confidence, correct = self.sums.value()
        return float((confidence - correct).abs().sum() / rows.sum())

    def table(self) -> dict[str, Any]:
        """For calibration.json: edges (n + 1), confidence, accuracy and count (n each); None in empty bins."""
        rows, confidence, correct = self.sums.value()
        empty = rows == 0
        return {
            "edges": torch.linspace(0, 1, self.num_bins + 1, dtype=torch.float64).tolist(),
            "confidence": _absent((confidence / rows).tolist(), empty),
            "accuracy": _absent((correct / rows).tolist(), empty),
            "count": [int(count) for count in rows.tolist()],
        }


def _absent(values: list[float], empty: Tensor) -> list[float | None]:
    return [None if gone else value for value, gone in zip(values, empty.tolist(), strict=True)]
