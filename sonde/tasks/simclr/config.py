"""Settings of contrastive learning: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class SimCLRConfig:
    """Settings of contrastive learning."""

    temperature: float = 0.5
    """What similarities are divided by: lower makes the most similar other images count for more."""
    projection: int = 128
    """Numbers that views are compared by, put out by a small network that is not used afterwards."""

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise ConfigError(f"--temperature must be above 0, got {self.temperature:g}")
        if self.projection < 1:
            raise ConfigError(f"--projection must be at least 1, got {self.projection}")
