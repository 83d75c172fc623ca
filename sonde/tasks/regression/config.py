"""Settings of regression: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError

LossName = Literal["mse", "mae", "huber", "log-cosh"]


@dataclass(frozen=True, kw_only=True)
class RegressionConfig:
    """Settings of regression."""

    loss: LossName = "mse"
    """Loss function, on standardised targets."""
    huber_delta: float = 1.0
    """Error, in standard deviations of the target, above which the Huber loss is linear."""

    def __post_init__(self) -> None:
        if not self.huber_delta > 0:
            raise ConfigError(f"--huber-delta must be above 0, got {self.huber_delta:g}")
