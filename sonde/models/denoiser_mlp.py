"""A residual multilayer perceptron that sees how noisy its input is: for tables and other rows of numbers."""

from dataclasses import dataclass
from math import prod

import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_counts
from sonde.nn.modulated_block import ModulatedBlock
from sonde.nn.time_condition import CONDITION


@dataclass(frozen=True, kw_only=True)
class DenoiserMLPConfig:
    """Settings of the denoising multilayer perceptron."""

    width: int = 256
    """Units of each layer."""
    layers: int = 4
    """Residual blocks."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "layers")


class DenoiserMLP(nn.Module):
    """(B, *shape) and a condition (B, `condition`) -> (B, *shape)."""

    def __init__(self, input: InputSpec, out_dim: int, config: DenoiserMLPConfig) -> None:
        """out_dim: not used, as what comes out is like what goes in"""
        super().__init__()
        values, width = prod(input.shape), config.width
        self.condition = CONDITION
        self.stem = nn.Linear(values, width)
        self.blocks = nn.ModuleList(ModulatedBlock(width, CONDITION) for _ in range(config.layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, values)
        nn.init.zeros_(self.head.weight)  # begins by answering 0
        nn.init.zeros_(self.head.bias)

    def forward(self, input: Tensor, condition: Tensor) -> Tensor:
        """(B, *shape), (B, `condition`) -> (B, *shape)."""
        condition = F.silu(condition)
        hidden = self.stem(input.flatten(1))
        for block in self.blocks:
            hidden = block(hidden, condition)
        return self.head(self.norm(hidden)).view_as(input)
