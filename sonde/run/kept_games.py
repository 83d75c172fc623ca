"""Games of players that have learned nothing, as an earlier end of the same run left them, where a later one has less time."""

from pathlib import Path
from typing import Any

import torch

from sonde.acting.self_play.games.rows import GameRows
from sonde.core.damaged import DAMAGE
from sonde.core.files import read_json
from sonde.core.playing import Playing
from sonde.metrics.matches import MatchesMeter

BEFORE = "as played before the run went on"


def played_as(rows: GameRows, playing: Playing) -> dict[str, Any]:
    """By which games are told to be of the same matches: entries of a player in baseline.json."""
    return {"seed": rows.seed, "simulations": playing.plan.simulations, "longest": rows.longest}


def kept(folder: Path, what: str, rows: GameRows, playing: Playing) -> tuple[dict[str, float], dict[str, Any]] | None:
    """(metrics, entry of baseline.json) of a player in the same matches at an earlier end; None where none was kept.

    folder: of the evaluation;  what: the player
    """
    met = {name for name in rows.opponents if name != "earlier" or playing.earlier() is not None}
    try:
        found = next(each for each in read_json(folder / "baseline.json")["policies"] if each["what"] == what)
        alike = {name: found[name] for name in ("seed", "simulations", "longest")} == played_as(rows, playing)
        games = {"opponent": [str(name) for name in found["opponent"]]}
        numbers = {name: torch.tensor(found[name], dtype=torch.float64) for name in ("score", "length")}
        meter = MatchesMeter()
        count = len(games["opponent"])
        meter.update({**games, **numbers, "first": torch.zeros(count)}, torch.arange(count))
    except (*DAMAGE, OSError, StopIteration):
        return None
    return (meter.compute(), found) if alike and set(games["opponent"]) == met else None
