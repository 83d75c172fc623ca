"""N-BEATS: blocks that each explain a part of the past away and forecast from it; their forecasts are added up."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_counts
from sonde.models.series_input import forecast_variables
from sonde.nn.reversible_norm import ReversibleNorm

# B windows, L look-back, H horizon, V variables, S sequences (B V), P numbers that a block gives for one side


@dataclass(frozen=True, kw_only=True)
class NBeatsConfig:
    """Settings of N-BEATS."""

    basis: Literal["generic", "interpretable"] = "generic"
    """Basis of the blocks: generic (learned), or interpretable (polynomial trend, then Fourier seasonality)."""
    stacks: int = 4
    """Stacks of the generic architecture; the interpretable one has two."""
    blocks: int = 1
    """Blocks per stack; those of an interpretable stack share weights."""
    width: int = 256
    """Units of each of a block's four hidden layers."""
    theta: int = 32
    """Expansion coefficients of a generic block, for backcast and forecast each."""
    degree: int = 3
    """Degree of the trend polynomial."""

    def __post_init__(self) -> None:
        check_counts(self, "stacks", "blocks", "width", "theta", "degree")


class Block(nn.Module):
    """Four dense layers, and from them what is taken off the past and what is forecast: (S, L) -> (S, L), (S, H).

    bases:    (P, L) and (P, H), whose rows are added up; None for learned ones of `theta` rows
    explains: whether a block follows that is fed the rest; the last one takes nothing off
    """

    def __init__(
        self,
        look_back: int,
        horizon: int,
        config: NBeatsConfig,
        *,
        bases: tuple[Tensor, Tensor] | None = None,
        explains: bool = True,
    ) -> None:
        super().__init__()
        widths = [look_back, *[config.width] * 4]
        layers = [layer for a, b in zip(widths, widths[1:], strict=False) for layer in (nn.Linear(a, b), nn.ReLU())]
        self.layers = nn.Sequential(*layers)
        back, ahead = bases or (None, None)
        self.back = _side(config, look_back, back) if explains else None
        self.ahead = _side(config, horizon, ahead)

    def forward(self, past: Tensor) -> tuple[Tensor, Tensor]:
        """(S, L) -> the same less what the block explains, and its forecast (S, H)."""
        hidden = self.layers(past)
        return past if self.back is None else past - self.back(hidden), self.ahead(hidden)


class OnBasis(nn.Module):
    """Numbers for the rows of a fixed basis (P, steps): (S, width) -> (S, steps)."""

    basis: Tensor

    def __init__(self, width: int, basis: Tensor) -> None:
        super().__init__()
        self.theta = nn.Linear(width, len(basis), bias=False)
        self.register_buffer("basis", basis, persistent=False)

    def forward(self, hidden: Tensor) -> Tensor:
        """(S, width) -> (S, steps)."""
        return self.theta(hidden) @ self.basis


class NBeats(nn.Module):
    """Blocks in a row, each fed what the ones before did not explain: (B, L, V) -> (B, H, F), every variable by itself.

    Windows are normalised and forecasts scaled back (`ReversibleNorm`), where the paper divides by their largest value.
    Source: Oreshkin et al. 2019, N-BEATS, arXiv:1905.10437
    """

    def __init__(self, input: InputSpec, out_dim: int, config: NBeatsConfig) -> None:
        super().__init__()
        look_back, self.variables = forecast_variables(input)
        self.norm = ReversibleNorm()
        self.blocks = nn.ModuleList(_blocks(look_back, out_dim, config))

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, L, V), lengths (B,), all of them L -> (B, H, F)."""
        return self.norm.each_variable(input[:, :, : self.variables], self.ahead)

    def ahead(self, past: Tensor) -> Tensor:
        """The sum of the blocks' forecasts: (S, L) -> (S, H)."""
        total = torch.zeros((), dtype=past.dtype, device=past.device)
        for block in self.blocks:
            past, forecast = block(past)
            total = total + forecast
        return total


def trend_basis(degree: int, steps: int, *, before: bool) -> Tensor:
    """(degree + 1, steps): powers of time from 0 to below 1 over the horizon, or from -1 to below 0 `before` it.

    Source: Oreshkin et al. 2019, section 3.3, equation 2; their time runs from 0 on both sides
    """
    time = (torch.arange(steps, dtype=torch.float64) - (steps if before else 0)) / steps
    return torch.stack([time**power for power in range(degree + 1)]).float()


def season_basis(horizon: int, steps: int, *, before: bool) -> Tensor:
    """(2 ⌊H/2⌋, steps): cosines, then sines, of 0 to ⌊H/2⌋ - 1 periods in a horizon's time.

    Source: Oreshkin et al. 2019, section 3.3, equation 3
    """
    time = (torch.arange(steps, dtype=torch.float64) - (steps if before else 0)) / horizon
    periods = torch.arange(max(1, horizon // 2), dtype=torch.float64)
    angles = 2 * math.pi * periods[:, None] * time
    return torch.cat([angles.cos(), angles.sin()]).float()


def _side(config: NBeatsConfig, steps: int, basis: Tensor | None) -> nn.Module:
    if basis is not None:
        return OnBasis(config.width, basis)
    return nn.Sequential(nn.Linear(config.width, config.theta, bias=False), nn.Linear(config.theta, steps))


def _blocks(look_back: int, horizon: int, config: NBeatsConfig) -> list[Block]:
    if config.basis == "generic":
        count = config.stacks * config.blocks
        return [Block(look_back, horizon, config, explains=number < count - 1) for number in range(count)]
    trends = trend_basis(config.degree, look_back, before=True), trend_basis(config.degree, horizon, before=False)
    seasons = season_basis(horizon, look_back, before=True), season_basis(horizon, horizon, before=False)
    trend = Block(look_back, horizon, config, bases=trends)
    season = Block(look_back, horizon, config, bases=seasons, explains=config.blocks > 1)
    return [trend] * config.blocks + [season] * config.blocks
