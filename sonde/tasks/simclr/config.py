"""Settings of contrastive learning: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class SimCLRConfig:
    """Settings of contrastive learning."""

    temperature: float = 0.5
    """Temperature of the contrastive loss (NT-Xent): lower weights hard negatives more."""
    projection: int = 128
    """Output size of the projection head, which is discarded after pretraining."""

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ConfigError(f"--temperature must be above 0, got {self.temperature:g}")
        if self.projection < 1:
            raise ConfigError(f"--projection must be at least 1, got {self.projection}")
