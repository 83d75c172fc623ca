"""Ranges of network settings: counts from 1 up, shares below 1. A setting that is None is not checked."""

from typing import Any

from sonde.core.bounds import flag
from sonde.core.errors import ConfigError


def check_counts(config: Any, *names: str, low: int = 1) -> None:
    """Raises: ConfigError for a setting, or a number of a list, below `low`."""
    for name in names:
        value = getattr(config, name)
        for count in value if isinstance(value, tuple) else (value,):
            if count is not None and count < low:
                raise ConfigError(f"{flag(name)} must be at least {low}, got {count}")


def check_shares(config: Any, *names: str) -> None:
    """Raises: ConfigError for a setting that is no share that leaves something: below 0, or 1 and above."""
    for name in names:
        share = getattr(config, name)
        if share is not None and not 0 <= share < 1:
            raise ConfigError(f"{flag(name)} must be at least 0 and below 1, got {share:g}")
