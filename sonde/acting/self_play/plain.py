"""What is scored in the same matches without learning: by random moves, and by the network before its first update."""

import time
from typing import NamedTuple

import torch

from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.matches import Matches
from sonde.acting.self_play.opponents import Opponent, Searching, random_player
from sonde.acting.self_play.search.search import judge_of
from sonde.core.batch import Batch
from sonde.core.playing import Playing
from sonde.core.seeds import derive

SECONDS = 10.0  # for all of it, so that a run does not wait for its baseline
AT_ONCE = 4  # games against each opponent, between two looks at the clock: two pairs
LONGEST = 2  # times the limit, at which games that began within it are given up


class Plain(NamedTuple):
    """Matches of a player that has learned nothing. what: in words;  batches: as `Matches` gives them"""

    what: str
    batches: list[Batch]


def plain_players(rows: GameRows, playing: Playing, device: torch.device, *, seconds: float = SECONDS) -> list[Plain]:
    """A random player, and the untrained network with the same search, each in as many of the rows' games as there is time for;
    none of those that finish none."""
    seed = derive(rows.seed, "sample", "random player") % 2**31
    players: dict[str, Opponent] = {"a random player": random_player(seed)}
    if playing.untrained is not None:
        judge = judge_of(playing.untrained(), device)
        players["the untrained network with the same search"] = Searching(rows, judge, playing.plan)
    found = [
        Plain(what, _played(rows, playing, device, each, seconds / len(players))) for what, each in players.items()
    ]
    return [each for each in found if each.batches]


def _played(rows: GameRows, playing: Playing, device: torch.device, player: Opponent, seconds: float) -> list[Batch]:
    begun = time.perf_counter()

    def late() -> bool:
        return time.perf_counter() - begun > LONGEST * seconds

    found: list[Batch] = []
    for batch in Matches(rows, playing, device, judged=player, together=AT_ONCE, late=late):
        found.append(batch)
        if time.perf_counter() - begun > seconds:
            break
    return found
