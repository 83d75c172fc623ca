"""Sums and weighted means that are added up on the device, means in the widest type it has."""

import torch
from torch import Tensor


def widest(device: torch.device) -> torch.dtype:
    """float64, except on devices without it."""
    return torch.float32 if device.type == "mps" else torch.float64


class Total:
    """A sum of tensors of one shape, on the device of the first."""

    def __init__(self) -> None:
        self.sum: Tensor | None = None

    def add(self, more: Tensor) -> None:
        """Add a batch's."""
        self.sum = more if self.sum is None else self.sum + more.to(self.sum.device)

    def merge(self, other: "Total") -> None:
        """Add another process's sum."""
        if other.sum is not None:
            self.add(other.sum)

    def value(self) -> Tensor:
        """float64, on the host."""
        assert self.sum is not None
        return self.sum.cpu().double()


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
