"""Linear forecasters: one matrix from look-back to horizon, of trend and remainder or of differences from the last value."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.series_input import forecast_variables

# B windows, L look-back, H horizon, V variables


@dataclass(frozen=True, kw_only=True)
class DLinearConfig:
    """Settings of the linear forecaster of trend and rest."""

    kernel: int = 25
    """Kernel of the moving average that extracts the trend, in steps; an odd number."""
    individual: bool = False
    """Use separate weights for each variable instead of shared ones (individual)."""

    def __post_init__(self) -> None:
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ConfigError(f"--kernel must be odd and at least 1, got {self.kernel}")


@dataclass(frozen=True, kw_only=True)
class NLinearConfig:
    """Settings of the linear forecaster of differences from the last value."""

    individual: bool = False
    """Use separate weights for each variable instead of shared ones (individual)."""


class OverTime(nn.Module):
    """A linear map over time, shared by the variables or one for each, at first their mean: (B, L, V) -> (B, H, V)."""

    def __init__(self, look_back: int, horizon: int, variables: int) -> None:
        """variables: with a matrix each; 1 for a shared one."""
        super().__init__()
        self.weight = nn.Parameter(torch.full((variables, horizon, look_back), 1 / look_back))
        self.bias = nn.Parameter(torch.zeros(variables, horizon))

    def forward(self, input: Tensor) -> Tensor:
        """(B, L, V) -> (B, H, V)."""
        if len(self.weight) == 1:
            return F.linear(input.transpose(1, 2), self.weight[0], self.bias[0]).transpose(1, 2)
        return torch.einsum("blv,vhl->bhv", input, self.weight) + self.bias.T


class DLinear(nn.Module):
    """The moving average (trend) and the remainder, each through a linear map of its own: (B, L, V) -> (B, H, V).

    Source: Zeng et al. 2022, Are transformers effective for time series forecasting?, arXiv:2205.13504
    """

    def __init__(self, input: InputSpec, out_dim: int, config: DLinearConfig) -> None:
        super().__init__()
        look_back, self.variables = forecast_variables(input)
        self.side = config.kernel // 2
        matrices = self.variables if config.individual else 1
        self.trend = OverTime(look_back, out_dim, matrices)
        self.rest = OverTime(look_back, out_dim, matrices)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, L, V), lengths (B,), all of them L -> (B, H, F)."""
        input = input[:, :, : self.variables]
        trend = moving_average(input, self.side)
        return self.trend(trend) + self.rest(input - trend)


class NLinear(nn.Module):
    """A linear map of the differences from the last value, which is added again: (B, L, V) -> (B, H, V).

    Source: Zeng et al. 2022, arXiv:2205.13504
    """

    def __init__(self, input: InputSpec, out_dim: int, config: NLinearConfig) -> None:
        super().__init__()
        look_back, self.variables = forecast_variables(input)
        self.ahead = OverTime(look_back, out_dim, self.variables if config.individual else 1)

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, L, V), lengths (B,), all of them L -> (B, H, F)."""
        input = input[:, :, : self.variables]
        last = input[:, -1:]
        return self.ahead(input - last) + last


def moving_average(input: Tensor, side: int) -> Tensor:
    """Mean over `side` steps before, the step and as many behind, the ends standing for what lies beyond: (B, L, V)."""
    padded = F.pad(input.transpose(1, 2), (side, side), mode="replicate")
    return F.avg_pool1d(padded, 2 * side + 1, stride=1).transpose(1, 2)
