"""RMS norm of numbers in any precision."""

import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-6  # torch's own default is the spacing of the input's type, which for bfloat16 is a hundredth


class RMSNorm(nn.RMSNorm):
    """Over the last dimension, (…, D) -> (…, D), in the input's type, to which the weights are brought.

    Under autocast torch's module meets bfloat16 queries with float32 weights, which it warns of and computes unfused.
    Source: Zhang and Sennrich 2019, arXiv:1910.07467
    """

    def __init__(self, dim: int, *, eps: float = EPS) -> None:
        super().__init__(dim, eps=eps)

    def forward(self, x: Tensor) -> Tensor:
        """(…, D) -> (…, D)."""
        return F.rms_norm(x, self.normalized_shape, self.weight.to(x.dtype), self.eps)
