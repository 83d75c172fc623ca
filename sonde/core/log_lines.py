"""Lines of a run's logs, told from what a crash or a damaged disk put there. Free of torch."""

from collections.abc import Mapping
from typing import Any

from sonde.core.files import parsed_json

TEXTS = ("kind", "split", "event", "check", "severity", "evidence", "action")
NUMBERS = ("step", "epoch", "seconds", "rows", "loss", "lr", "norm", "memory_bytes", "device_memory_bytes")


def parsed_line(line: bytes) -> dict[str, Any] | None:
    """The object in a line; None for a line that holds none, or whose entries are of kinds that no log has.

    >>> parsed_line(b'{"kind": "step", "step": 3}'), parsed_line(b'{"kind": "step", "step": [3]}'), parsed_line(b"\\\\0")
    ({'kind': 'step', 'step': 3}, None, None)
    """
    try:
        entry = parsed_json(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) and _is_record(entry) else None


def _is_record(entry: Mapping[str, Any]) -> bool:
    texts = all(isinstance(entry[name], str) for name in TEXTS if entry.get(name) is not None)
    numbers = all(_is_number(entry[name]) for name in NUMBERS if entry.get(name) is not None)
    metrics = entry.get("metrics", {}) if entry.get("kind") in ("evaluation", "log") else {}
    known = isinstance(metrics, dict) and all(value is None or _is_number(value) for value in metrics.values())
    placed = entry.get("kind") not in ("step", "evaluation") or isinstance(entry.get("step"), int)
    return texts and numbers and known and placed


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
