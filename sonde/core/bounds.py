"""Bounds of settings, with errors in the words of the command line. Free of torch."""

import math
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from sonde.core.errors import ConfigError


def at_least(config: Any, low: float, *names: str) -> None:
    """Raises: ConfigError where one of these settings of `config` is below `low`, or no number."""
    for name, value in _numbers(config, names):
        if not value >= low or math.isinf(value):
            raise ConfigError(f"{flag(name)} must be at least {low:.12g}, got {value:.12g}")


def above(config: Any, low: float, *names: str) -> None:
    """Raises: ConfigError where one of these settings is not above `low`."""
    for name, value in _numbers(config, names):
        if not value > low or math.isinf(value):
            raise ConfigError(f"{flag(name)} must be above {low:.12g}, got {value:.12g}")


def within(
    config: Any, low: float, high: float, *names: str, open_left: bool = False, open_right: bool = False
) -> None:
    """Raises: ConfigError where one of these settings does not lie between `low` and `high`, one or both of them left out."""
    for name, value in _numbers(config, names):
        fits = (value > low if open_left else value >= low) and (value < high if open_right else value <= high)
        if not fits:
            lowest, highest = "above" if open_left else "at least", "below" if open_right else "at most"
            raise ConfigError(f"{flag(name)} must be {lowest} {low:.12g} and {highest} {high:.12g}, got {value:.12g}")


def _numbers(config: Any, names: tuple[str, ...]) -> Iterator[tuple[str, float]]:
    """The settings that are numbers: None and words such as "auto" have no bounds."""
    for name in names:
        value = getattr(config, name)
        if value is not None and not isinstance(value, str):
            yield name, value


def flag(name: str) -> str:
    """How a setting is written on the command line.

    >>> flag("batch_size")
    '--batch-size'
    """
    return "--" + name.replace("_", "-")


def not_above(config: Any, name: str, other: str) -> None:
    """Raises: ConfigError where one setting is larger than another, which it cannot be"""
    value, most = getattr(config, name), getattr(config, other)
    if value > most:
        usual = {entry.name: entry.default for entry in fields(config)}
        default, its_own = value == usual.get(name), most == usual.get(other)
        got = f"and is {value:,} by default; give both" if default else f"got {value:,}"
        raise ConfigError(
            f"{flag(name)} must be at most {flag(other)}, which is {most:,}{' by default' * its_own}, {got}"
        )
