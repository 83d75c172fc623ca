"""Settings of normalizing flows: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class NormalizingFlowConfig:
    """Settings of normalizing flows."""

    outlier_share: float = 0.01
    """Share of the density, of rows of numbers, that is that of independent columns: rows unlike all others cost no more."""

    components: int = 1
    """Gaussians in the distribution that rows of numbers are turned into; 1 is the standard normal one."""
    mixture: int = 0
    """Gaussians, at most, of a mixture beside the flow, with the share that makes validation rows likeliest; 0 for none."""
    marginals: Literal["bent", "straight"] = "bent"
    """How numbers of a table are fed: each column bent to be normal, or in standard deviations, which keeps what is linear."""

    def __post_init__(self) -> None:
        if not 0 <= self.outlier_share < 1:
            raise ConfigError(f"--outlier-share must lie from 0 to below 1, got {self.outlier_share:g}")
        if self.components < 1:
            raise ConfigError(f"--components must be at least 1, got {self.components}")
        if self.mixture < 0:
            raise ConfigError(f"--mixture is a number of Gaussians, or 0 for none; got {self.mixture}")
