"""What settings of networks may be: counts from 1 up, shares below 1."""

from typing import Any

from sonde.core.bounds import flag
from sonde.core.errors import ConfigError


def check_counts(config: Any, *names: str) -> None:
    """Raises: ConfigError for a setting below 1."""
    for name in names:
        if getattr(config, name) < 1:
            raise ConfigError(f"{flag(name)} must be at least 1, got {getattr(config, name)}")


def check_shares(config: Any, *names: str) -> None:
    """Raises: ConfigError for a setting that is no share that leaves something: below 0, or 1 and above."""
    for name in names:
        if not 0 <= getattr(config, name) < 1:
            raise ConfigError(f"{flag(name)} must lie from 0 to below 1, got {getattr(config, name):g}")
