"""What a recipe chose for a task, as it is printed: settings that are others than `--help` says."""

from typing import Any

from sonde.core.bounds import flag
from sonde.core.config import flat
from sonde.run.resolve import Resolved


def inferred(resolved: Resolved) -> str:
    """The settings of the task that its recipe set otherwise than their defaults, as they are typed, each reason once and behind
    the last that it is of: "--full-share 1, --position-reuse 8 (searches take most of the time)". "" where there are none.
    """
    chosen, usual = flat(resolved.config.task_config), flat(type(resolved.config.task_config)())
    by_reason: dict[str, list[str]] = {}
    for name, why in resolved.reasons.items():
        if name in chosen and resolved.origin.get(name) == "recipe" and chosen[name] != usual[name]:
            by_reason.setdefault(why, []).append(_typed(name, chosen[name]))
    return ", ".join(f"{', '.join(texts)} ({why})" for why, texts in by_reason.items())


def _typed(name: str, value: Any) -> str:
    """
    >>> _typed("full_share", 1.0), _typed("mirrored", True), _typed("mirrored", False)
    ('--full-share 1', '--mirrored', '--no-mirrored')
    """
    if isinstance(value, bool):
        return flag(name) if value else f"--no-{flag(name).removeprefix('--')}"
    if isinstance(value, list | tuple):
        return f"{flag(name)} {','.join(map(str, value))}"
    return f"{flag(name)} {value:g}" if isinstance(value, float) else f"{flag(name)} {value}"
