"""N-HiTS: blocks that pool the past ever less, and forecast at an ever higher rate, interpolated to every step."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts, check_shares
from sonde.models.series_input import forecast_variables
from sonde.nn.dropout import Dropout
from sonde.nn.reversible_norm import ReversibleNorm

# B windows, L look-back, H horizon, V variables, S sequences (B V)


@dataclass(frozen=True, kw_only=True)
class NHitsConfig:
    """Settings of N-HiTS."""

    pool_kernels: tuple[int, ...] = (8, 4, 1)
    """Kernel of the max-pooling at each block's input, in steps."""
    downsample: tuple[int, ...] = (24, 12, 1)
    """Downsampling of each block's forecast: steps per coefficient, interpolated linearly in between."""
    width: int = 256
    """Units of each of a block's two hidden layers."""
    dropout: float = 0.0
    """Dropout after each hidden layer."""

    def __post_init__(self) -> None:
        if (
            not self.pool_kernels
            or len(self.pool_kernels) != len(self.downsample)
            or min(*self.pool_kernels, *self.downsample) < 1
        ):
            raise ConfigError("--pool-kernels and --downsample need one number of at least 1 per block")
        check_counts(self, "width")
        check_shares(self, "dropout")


class Block(nn.Module):
    """Backcast and forecast from the max-pooled past: (S, L) -> (S, L) without what is explained, (S, H).

    pooled:   kernel of the max-pooling;  coarse: steps of the horizon for each number it gives
    explains: whether a block follows that is fed the rest; the last one takes nothing off
    """

    def __init__(
        self, look_back: int, horizon: int, config: NHitsConfig, *, pooled: int, coarse: int, explains: bool
    ) -> None:
        super().__init__()
        self.horizon, self.pooled = horizon, pooled
        seen = -(-look_back // pooled)
        self.numbers = max(1, -(-horizon // coarse))
        self.layers = nn.Sequential(
            nn.Linear(seen, config.width),
            nn.ReLU(),
            Dropout(config.dropout),
            nn.Linear(config.width, config.width),
            nn.ReLU(),
            Dropout(config.dropout),
        )
        self.back = nn.Linear(config.width, look_back) if explains else None
        self.ahead = nn.Linear(config.width, self.numbers)

    def forward(self, past: Tensor) -> tuple[Tensor, Tensor]:
        """(S, L) -> the same less what the block explains, and its forecast (S, H)."""
        seen = F.max_pool1d(past[:, None], self.pooled, ceil_mode=True)[:, 0] if self.pooled > 1 else past
        hidden = self.layers(seen)
        return past if self.back is None else past - self.back(hidden), interpolated(self.ahead(hidden), self.horizon)


class NHits(nn.Module):
    """Blocks in a row, each fed what the ones before did not explain: (B, L, V) -> (B, H, F), every variable by itself.

    Windows are normalised, and forecasts put back on their scale (`ReversibleNorm`).
    Source: Challu et al. 2022, N-HiTS, arXiv:2201.12886
    """

    def __init__(self, input: InputSpec, out_dim: int, config: NHitsConfig) -> None:
        super().__init__()
        look_back, self.variables = forecast_variables(input)
        self.norm = ReversibleNorm()
        self.blocks = nn.ModuleList(
            Block(
                look_back, out_dim, config, pooled=pooled, coarse=coarse, explains=number < len(config.pool_kernels) - 1
            )
            for number, (pooled, coarse) in enumerate(zip(config.pool_kernels, config.downsample, strict=True))
        )

    def forward(self, input: Tensor, lengths: Tensor | None = None) -> Tensor:
        """(B, L, V), lengths (B,), all of them L -> (B, H, F)."""
        return self.norm.each_variable(input[:, :, : self.variables], self.ahead)

    def ahead(self, past: Tensor) -> Tensor:
        """The last value and the sum of the blocks' forecasts: (S, L) -> (S, H)."""
        total = past[:, -1:]
        for block in self.blocks:
            past, forecast = block(past)
            total = total + forecast
        return total


def interpolated(numbers: Tensor, steps: int) -> Tensor:
    """(S, n) at even distances -> (S, steps), linearly interpolated.

    Source: Challu et al. 2022, section 3.2, hierarchical interpolation, linear
    """
    if numbers.shape[1] == steps:
        return numbers
    if numbers.shape[1] == 1:
        return numbers.expand(-1, steps)
    return F.interpolate(numbers[:, None], size=steps, mode="linear", align_corners=False)[:, 0]
