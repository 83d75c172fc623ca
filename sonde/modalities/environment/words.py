"""What rows of an environment are called."""

from collections.abc import Mapping
from typing import Any


def row_of(schema: Mapping[str, Any]) -> tuple[str, str]:
    """One, and several: steps of a log whose held-out part is evaluated, games, else episodes. schema: as JSON

    >>> row_of({"input": {"extra": ""}, "target": {"kind": "logged-action"}})
    ('step', 'steps')
    """
    kind = str((schema.get("target") or {}).get("kind", ""))
    if kind == "move":
        return "game", "games"
    logged = kind.startswith("logged-")
    acted_in = (schema.get("input") or {}).get("extra")
    return ("step", "steps") if logged and not acted_in else ("episode", "episodes")
