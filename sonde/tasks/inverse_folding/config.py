"""Settings of inverse folding: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class InverseFoldingTaskConfig:
    """Settings of inverse folding."""

    label_smoothing: float = 0.0
    """Label smoothing: share of each target spread uniformly over all residue types."""

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise ConfigError(f"--label-smoothing must be at least 0 and below 1, got {self.label_smoothing:g}")
