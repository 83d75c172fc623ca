"""Settings of forecasting: its flags."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError

LossName = Literal["mse", "mae", "huber", "quantile"]


@dataclass(frozen=True, kw_only=True)
class ForecastingConfig:
    """Settings of forecasting."""

    loss: LossName = "mse"
    """Loss function, on standardised values; quantile also learns prediction intervals around the forecast."""
    huber_delta: float = 1.0
    """Error, in standard deviations, above which the Huber loss is linear."""
    quantiles: tuple[float, ...] = (0.1, 0.5, 0.9)
    """Quantiles that --loss quantile learns; 0.5 is the forecast itself."""

    def __post_init__(self) -> None:
        if not self.huber_delta > 0:
            raise ConfigError(f"--huber-delta must be above 0, got {self.huber_delta:g}")
        check_quantiles(self.quantiles)


def check_quantiles(quantiles: Sequence[float]) -> None:
    """Raises: ConfigError for quantiles that do not rise, lie outside of 0 to 1 or lack the middle"""
    rising = all(a < b for a, b in zip(quantiles, quantiles[1:], strict=False))
    if not rising or 0.5 not in quantiles or not all(0 < q < 1 for q in quantiles):
        given = " ".join(f"{q:g}" for q in quantiles)
        raise ConfigError(f"--quantiles must increase, lie between 0 and 1, and contain 0.5, got {given}")
