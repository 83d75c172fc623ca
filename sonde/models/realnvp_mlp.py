"""A normalizing flow of couplings for rows of numbers."""

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.invertible import CLASS_CONDITION, ActivationNorm, AffineCoupling, Chain, ChannelMix, SplineCoupling

BINS = 8  # of a spline, the paper's number


@dataclass(frozen=True, kw_only=True)
class RealNVPConfig:
    """Settings of the normalizing flow for rows."""

    width: int = 128
    """Units of the hidden layers in each coupling."""
    layers: int = 4
    """Couplings, each behind an activation normalisation and a mix of all columns."""
    coupling: Literal["spline", "affine"] = "spline"
    """How a coupling changes half of the columns: bends each by a spline (neural spline flow), or scales and shifts (RealNVP)."""
    dropout: float = 0.0
    """Dropout rate inside the couplings."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "layers")
        check_shares(self, "dropout")


class Factors(nn.Module):
    """(B, before) and a condition -> (B, after): two hidden layers, the second with a shortcut; begins by answering 0."""

    def __init__(self, before: int, after: int, width: int, dropout: float) -> None:
        super().__init__()
        self.stem, self.hidden = nn.Linear(before + CLASS_CONDITION, width), nn.Linear(width, width)
        self.dropout, self.head = nn.Dropout(dropout), nn.Linear(width, after)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, input: Tensor, condition: Tensor) -> Tensor:
        """(B, before), (B, CLASS_CONDITION) -> (B, after)."""
        hidden = F.silu(self.stem(torch.cat([input, condition], 1)))
        return self.head(hidden + self.dropout(F.silu(self.hidden(hidden))))


class RealNVP(nn.Module):
    """(B, *shape) and a condition (B, `condition`) -> (normal numbers (B, *shape), log-determinant of the Jacobian (B,)).

    Source: Dinh, Sohl-Dickstein and Bengio 2016, arXiv:1605.08803, with activation normalisation and mixed channels of Glow
    (arXiv:1807.03039); splines: Durkan et al. 2019, arXiv:1906.04032
    """

    def __init__(self, input: InputSpec, out_dim: int, config: RealNVPConfig) -> None:
        """out_dim: not used, as what comes out is like what goes in"""
        super().__init__()
        self.shape, self.condition = input.shape, CLASS_CONDITION
        values = prod(input.shape)
        layers: list[nn.Module] = []
        for _ in range(config.layers):
            kind, each = (SplineCoupling, 3 * BINS - 1) if config.coupling == "spline" else (AffineCoupling, 2)
            network = Factors(values // 2, each * (values - values // 2), config.width, config.dropout)
            layers += [ActivationNorm(values), ChannelMix(values), kind(values, network)]
        self.flow = Chain([*layers, ActivationNorm(values)])

    def forward(self, input: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """(B, *shape), (B, `condition`) -> (B, *shape), (B,)."""
        found, volume = self.flow(input.flatten(1), condition)
        return found.view_as(input), volume

    def inverse(self, normal: Tensor, condition: Tensor) -> Tensor:
        """(B, *shape), (B, `condition`) -> (B, *shape)."""
        return self.flow.inverse(normal.flatten(1), condition).view(-1, *self.shape)
