"""A residual layer whose normalised input a condition scales and shifts."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ModulatedBlock(nn.Module):
    """(…, width), (…, condition) -> (…, width); at first the input as it is.

    Source: Peebles and Xie 2022, Scalable diffusion models with transformers, arXiv:2212.09748 (adaLN-zero)
    """

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.condition = nn.Linear(condition, 3 * width)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        nn.init.zeros_(self.condition.weight)
        nn.init.zeros_(self.condition.bias)

    def forward(self, input: Tensor, condition: Tensor) -> Tensor:
        """The two have the same leading sizes, or 1 in the condition where it is the same for all."""
        scale, shift, gate = self.condition(condition).chunk(3, -1)
        return input + gate * self.down(F.silu(self.up(torch.addcmul(shift, self.norm(input), 1 + scale))))
