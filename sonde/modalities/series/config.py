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
    known: tuple[str, ...] = ()
    """Columns known in advance for the steps to be forecast, such as promotions, holidays and prices."""
    split_at: tuple[str, ...] = ()
    """Where validation and test of a time series begin, and optionally where test ends: step numbers or dates."""

    def __post_init__(self) -> None:
        at_least(self, 1, "horizon", "look_back")
        if len(set(self.known)) < len(self.known):
            twice = next(name for name in self.known if self.known.count(name) > 1)
            raise ConfigError(f"--known names {twice!r} twice; name it once")
        if len(self.split_at) not in (0, 2, 3):
            raise ConfigError(f"--split-at takes two places or three, got {len(self.split_at)}")
