"""Settings of inverse folding: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class InverseFoldingTaskConfig:
    """Settings of inverse folding."""

    label_smoothing: float = 0.0
    """Share of each target spread evenly over all residues."""

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise ConfigError(f"--label-smoothing must lie from 0 to below 1, got {self.label_smoothing:g}")
