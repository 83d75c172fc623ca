"""Bounds of settings, said in the words of the command line. Free of torch."""

import math

from sonde.core.errors import ConfigError


def at_least(name: str, value: float, low: float) -> None:
    """Raises: ConfigError where a setting is below `low`, or no number."""
    if not value >= low or math.isinf(value):
        raise ConfigError(f"{flag(name)} must be at least {low:g}, got {value:g}")


def above(name: str, value: float, low: float) -> None:
    """Raises: ConfigError where a setting is not above `low`."""
    if not value > low or math.isinf(value):
        raise ConfigError(f"{flag(name)} must be above {low:g}, got {value:g}")


def within(
    name: str, value: float, low: float, high: float, *, open_left: bool = False, open_right: bool = False
) -> None:
    """Raises: ConfigError where a setting does not lie between `low` and `high`, one or both of them left out."""
    fits = (value > low if open_left else value >= low) and (value < high if open_right else value <= high)
    if not fits:
        lowest, highest = "above" if open_left else "at least", "below" if open_right else "at most"
        raise ConfigError(f"{flag(name)} must be {lowest} {low:g} and {highest} {high:g}, got {value:g}")


def flag(name: str) -> str:
    """How a setting is written on the command line.

    >>> flag("batch_size")
    '--batch-size'
    """
    return "--" + name.replace("_", "-")
