"""A weighted mean that is added up on the device, in the widest type it has."""

import torch
from torch import Tensor


def widest(device: torch.device) -> torch.dtype:
    """float64, except on devices without it."""
    return torch.float32 if device.type == "mps" else torch.float64


class Mean:
    """Weighted means of one or several columns: values and weights (B,) or (B, T)."""

    def __init__(self) -> None:
        self.total: Tensor | None = None  # () or (T,)
        self.weight: Tensor | None = None

    def update(self, values: Tensor, weights: Tensor | None = None) -> None:
        """Add rows; without weights each counts one."""
        wide = values.detach().to(widest(values.device))
        share = torch.ones_like(wide) if weights is None else weights.to(wide.dtype)
        self._add((wide * share).sum(0), share.sum(0))

    def merge(self, other: "Mean") -> None:
        """Add another process's sums."""
        if other.total is not None and other.weight is not None:
            self._add(other.total, other.weight)

    def value(self) -> Tensor:
        """The means, on the host; NaN where nothing was counted."""
        assert self.total is not None
        assert self.weight is not None
        return (self.total / self.weight).cpu()

    def _add(self, total: Tensor, weight: Tensor) -> None:
        if self.total is None or self.weight is None:
            self.total, self.weight = total, weight
        else:
            self.total = self.total + total.to(self.total.device)
            self.weight = self.weight + weight.to(self.weight.device)
