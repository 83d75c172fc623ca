"""Settings of time series."""

from dataclasses import dataclass

from sonde.core.bounds import at_least
from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class SeriesConfig:
    """What is forecast from what, and where a series is cut."""

    horizon: int | None = None
    """Forecast horizon in time steps; by default one season (24 hours, 7 days, 12 months)."""
    look_back: int | None = None
    """Input window in time steps; by default chosen from the horizon and the season."""
    split_at: tuple[str, ...] = ()
    """Where validation and test of a time series begin, and optionally where test ends: step numbers or dates."""

    def __post_init__(self) -> None:
        at_least(self, 1, "horizon", "look_back")
        if len(self.split_at) not in (0, 2, 3):
            raise ConfigError(f"--split-at takes two places or three, got {len(self.split_at)}")
