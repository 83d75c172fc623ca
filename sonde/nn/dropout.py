"""Dropout that draws sixteen random bits a unit."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = 2**16  # a unit falls when its 16 bits lie among the lowest p * LEVELS
_LOWEST_INT64 = torch.iinfo(torch.int64).min  # from here with no upper end, random_ fills all 64 bits


class Dropout(nn.Module):
    """Set each unit to zero with probability p while training and scale the others so that the mean stays.

    On CPUs F.dropout spends most of its time in bernoulli_, which draws a double a unit: 64 x 256 units took 500 µs forward
    and backward where this took 297 (one busy core, torch 2.13). Here four units share one 64-bit draw from the default
    generator. p is rounded to a multiple of 2**-16, and the scale is that of the rounded p, so the mean is exact. On other
    devices and under torch.compile it is F.dropout.
    Source: Srivastava et al. 2014, Dropout, JMLR 15
    """

    def __init__(self, p: float) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"Dropout: p must be at least 0 and below 1, got {p}")
        self.p = p
        self.dropped = min(round(p * LEVELS), LEVELS - 1)  # of LEVELS

    def forward(self, input: Tensor) -> Tensor:
        """(…) -> the same shape."""
        if not self.training or self.dropped == 0:
            return input
        if input.device.type != "cpu" or torch.compiler.is_compiling():
            return F.dropout(input, self.p)
        count = input.numel()  # of int16, uniform over all values
        drawn = torch.empty((count + 3) // 4, dtype=torch.int64).random_(_LOWEST_INT64, None).view(torch.int16)[:count]
        keep = drawn.view(input.shape) >= self.dropped - LEVELS // 2
        return input * keep.to(input.dtype).mul_(LEVELS / (LEVELS - self.dropped))

    def extra_repr(self) -> str:
        """For print(module)."""
        return f"p={self.p:g}"
