"""What rows of an environment are called, and which of its settings are for others."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sonde.acting.config import OF_ATARI, OF_BOTH, OF_GAMES, OF_LOGS, of_environments
from sonde.acting.environments.arguments import as_written
from sonde.acting.environments.gym import own_name

ACTED = ("action", "control", "move")  # kinds of targets of what is acted in


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


def meant(place: str) -> list[str]:
    """Environments and games of such a name, where nothing is called so on disk, and what a file or module there defines.

    >>> meant("CartPole-v1"), meant("FrozenLake-v1(map_name=8x8)"), meant("photos")
    (['gym:CartPole-v1'], ['gym:FrozenLake-v1(map_name=8x8)'], [])
    """
    if re.fullmatch(r"[\w/]+-v\d+", as_written(place)[0]):  # as gymnasium calls its environments
        return [f"gym:{place}"]
    if own := _defined(*as_written(place)):
        return [own]
    from sonde.acting.self_play.games.open_spiel import named_so

    return named_so(place)


def _defined(place: str, arguments: str) -> str:
    """ "env:MODULE:NAME" of what is written FILE.py:NAME or MODULE:NAME, where there is such a file and defines it; else ""."""
    file, _, name = place.rpartition(":")
    path = Path(file if file.endswith(".py") else f"{file.replace('.', '/')}.py")
    if not name.isidentifier() or not path.is_file():
        return ""
    try:
        defined = re.search(rf"^(class|def) {name}\b|^{name}\b *=", path.read_text(), flags=re.MULTILINE)
    except (OSError, UnicodeDecodeError):
        return ""
    return f"{own_name(f'{path}:{name}')}{arguments}" if defined else ""


def unread(scheme: str, targets: Sequence[str]) -> set[str]:
    """Settings that nothing reads there. scheme: "game", "" where it is not known;  targets: of the task, () where none is named

    >>> "opponents" in unread("gym", ()), "films" in unread("game", ()), "films" in unread("", ("class",)), unread("", ())
    (True, True, True, set())
    """
    every = {*of_environments(), *OF_GAMES, *OF_BOTH}
    if scheme == "game" or (targets and not scheme and set(targets) == {"move"}):
        return {*of_environments(), "environment_steps", "workers"}
    if not (scheme or targets):
        return set()
    if not scheme and not any(kind.removeprefix("logged-") in ACTED for kind in targets):
        return every
    if targets and all(kind.startswith("logged-") for kind in targets):
        return {*OF_GAMES}
    return {*OF_GAMES, *OF_LOGS, *({"atari": ("environment_timeout",), "": ()}.get(scheme, OF_ATARI))}
