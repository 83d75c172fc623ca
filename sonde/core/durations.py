"""How long something lasts, or how often it happens: in epochs, steps, evaluations or wall time. Free of torch."""

import math
import re
from dataclasses import dataclass
from typing import Any, Literal

from sonde.core.bounds import flag
from sonde.core.errors import ConfigError
from sonde.core.given_object import GivenObject

Unit = Literal["epochs", "steps", "evaluations", "seconds"]

EXAMPLES: dict[Unit, str] = {
    "epochs": "2 epochs",
    "steps": "500 steps",
    "evaluations": "3 evaluations",
    "seconds": "90s, 10m or 1h30m",
}
PERIODS: dict[str, tuple[Unit, tuple[Unit, ...]]] = {
    "time_limit": ("seconds", ("seconds",)),
    "patience": ("evaluations", ("evaluations", "epochs", "steps", "seconds")),
    "evaluate_every": ("epochs", ("epochs", "steps", "seconds")),
    "checkpoint_every": ("seconds", ("epochs", "steps", "seconds")),
}
"""Settings that hold a duration: the unit of a bare number, and the units they may be given in."""

_COUNTED = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(epochs?|steps?|evaluations?)?", re.ASCII)
_TIME = re.compile(
    r"(?:(?P<h>\d+(?:\.\d+)?)\s*h(?:ours?|rs?)?\s*)?(?:(?P<m>\d+(?:\.\d+)?)\s*m(?:in(?:utes?)?)?\s*)?"
    r"(?:(?P<s>\d+(?:\.\d+)?)\s*(?:s(?:ec(?:onds?)?)?)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Duration:
    """An amount of one unit.

    >>> [str(Duration(*given)) for given in ((1, "epochs"), (500, "steps"), (90, "seconds"), (5400, "seconds"))]
    ['1 epoch', '500 steps', '90s', '1h30m']
    """

    amount: float
    unit: Unit

    def __str__(self) -> str:
        if self.unit == "seconds":
            return _time_text(self.amount)
        return f"{self.amount:.12g} {self.unit[:-1] if self.amount == 1 else self.unit}"


def parse(text: float | str, *, bare: Unit, units: tuple[Unit, ...] = ("epochs", "steps", "seconds")) -> Duration:
    """A duration as it is written; a number without a unit counts `bare`.

    Raises: ConfigError when it is none, with examples in `units`

    >>> parse("0.5 epochs", bare="seconds"), parse("1h30m", bare="epochs"), parse(3, bare="steps")
    (Duration(amount=0.5, unit='epochs'), Duration(amount=5400.0, unit='seconds'), Duration(amount=3.0, unit='steps'))
    """
    found = Duration(float(text), bare) if isinstance(text, int | float) else _read(text.strip().lower(), bare)
    if found is None or not math.isfinite(found.amount):
        raise ConfigError(f"{text!r} is not a duration; write it like {examples(units)}")
    if found.unit in ("steps", "evaluations") and found.amount != int(found.amount):
        raise ConfigError(f"{text!r}: {found.unit} are counted whole")
    return found


def setting(name: str, value: float | str, *, bare: Unit, units: tuple[Unit, ...], zero: bool = False) -> Duration:
    """The duration that a setting holds. zero: whether none at all (0) is one.

    Raises: ConfigError naming the setting, for what is no duration, in none of `units` or not above 0
    """
    try:
        found = parse(value, bare=bare, units=units)
    except ConfigError as error:
        raise ConfigError(f"{flag(name)}: {error}") from None
    if found.unit not in units:
        raise ConfigError(f"{flag(name)} takes a duration such as {examples(units)}, got {value!r}")
    if found.amount < 0 or (found.amount == 0 and not zero):
        raise ConfigError(f"{flag(name)} must be {'at least' if zero else 'above'} 0, got {value}")
    return found


def same_setting(name: str, old: Any, new: Any) -> bool:
    """Whether two values of a setting mean the same: one that was read from YAML may hold lists for tuples, and a duration
    may be written in several ways.

    >>> same_setting("evaluate_every", 1.0, "1 epoch"), same_setting("time_limit", "60s", 60), same_setting("target", (), [])
    (True, True, True)
    """
    if name in PERIODS and old is not None and new is not None:
        return parse(old, bare=PERIODS[name][0]) == parse(new, bare=PERIODS[name][0])
    old, new = (list(v) if isinstance(v, tuple) else str(v) if isinstance(v, GivenObject) else v for v in (old, new))
    return old == new


def examples(units: tuple[Unit, ...]) -> str:
    """How durations in these units are written.

    >>> examples(("steps", "seconds"))
    '500 steps, 90s, 10m or 1h30m'
    """
    *first, last = [EXAMPLES[unit] for unit in units]
    return ", ".join([*first, last]) if "seconds" in units or not first else f"{', '.join(first)} or {last}"


def _read(text: str, bare: Unit) -> Duration | None:
    if (counted := _COUNTED.fullmatch(text)) is not None:
        units: dict[str, Unit] = {unit.rstrip("s"): unit for unit in EXAMPLES}  # written in the singular or the plural
        return Duration(float(counted[1]), bare if counted[2] is None else units[counted[2].rstrip("s")])
    if (time := _TIME.fullmatch(text)) is not None and text:
        amounts = (float(time[name] or 0) * size for name, size in (("h", 3600), ("m", 60), ("s", 1)))
        return Duration(sum(amounts), "seconds")
    return None


def _time_text(seconds: float) -> str:
    """Seconds as one would type them; up to two minutes in seconds alone."""
    if seconds != int(seconds) or seconds < 120:
        return f"{seconds:.12g}s"
    hours, rest = divmod(int(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return "".join(f"{value}{unit}" for value, unit in ((hours, "h"), (minutes, "m"), (left, "s")) if value)
