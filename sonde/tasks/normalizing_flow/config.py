"""Settings of normalizing flows: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class NormalizingFlowConfig:
    """Settings of normalizing flows."""

    outlier_share: float = 0.01
    """Share of the density, of rows of numbers, that is that of independent columns: rows unlike all others cost no more."""

    def __post_init__(self) -> None:
        if not 0 <= self.outlier_share < 1:
            raise ConfigError(f"--outlier-share must lie from 0 to below 1, got {self.outlier_share:g}")
