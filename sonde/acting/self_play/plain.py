"""What is scored in the same matches without learning: by random moves, and by the network before its first update."""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch

from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.matches import Matches
from sonde.acting.self_play.opponents import Opponent, Searching, random_player
from sonde.acting.self_play.search.search import judge_of
from sonde.core.batch import Batch
from sonde.core.pace import never
from sonde.core.playing import UNTRAINED, Playing
from sonde.core.seeds import derive

SECONDS = 10.0  # for all of it, so that a run does not wait for its baseline
AT_ONCE = (
    4  # games against each opponent, between two looks at the clock: two pairs; one where these would take too long
)
OF_SEARCH = 0.8  # of the time, for the network that searches; random moves take little
LOOK_SHARE = 0.05  # of the time of one that is given up at its end, to find out whether a pair of games ends in it
LONGEST = 2  # times the limit, at which games that began within it are given up where nothing else waits for them


class Plain(NamedTuple):
    """Matches of a player that has learned nothing.

    what: in words;  batches: as `Matches` gives them, none where not one group of games ends in time;  seconds: that it had
    """

    what: str
    batches: list[Batch]
    seconds: float


def plain_players(
    rows: GameRows,
    playing: Playing,
    device: torch.device,
    *,
    seconds: float = SECONDS,
    longest: float = LONGEST,
    leave_off: Callable[[], bool] = never,
) -> list[Plain]:
    """The untrained network with the same search, and a random player, each in as many of the rows' games as there is time for.

    The network has most of the time, and the other what is left of all, since only beside it what was learned is told from what
    a search sees by itself.

    longest: times the seconds of each, at which its games are given up; of 1 they are not begun where they would not end
    leave_off: asked within games; where it says True, nothing more is played
    """
    until = time.perf_counter() + seconds
    seed = derive(rows.seed, "sample", "random player") % 2**31
    players: dict[str, Opponent] = {}
    if playing.untrained is not None:
        judge = judge_of(playing.untrained(), device)
        players[UNTRAINED] = Searching(rows, judge, playing.plan, leave_off)
    players["a random player"] = random_player(seed)
    found = []
    for what, each in players.items():
        left = OF_SEARCH * seconds if what == UNTRAINED else max((1 - OF_SEARCH) * seconds, until - time.perf_counter())
        batches = _played(rows, playing, device, each, left, longest * left, leave_off)
        found.append(Plain(what, batches, longest * left))
    return found


def _played(
    rows: GameRows,
    playing: Playing,
    device: torch.device,
    player: Opponent,
    seconds: float,
    most_s: float,
    leave_off: Callable[[], bool],
) -> list[Batch]:
    begun = time.perf_counter()
    matches, found = Matches(rows, playing, device, judged=player, together=AT_ONCE), list[Batch]()
    matches.leave_off, matches.within_s = (lambda: leave_off() or time.perf_counter() - begun > most_s), most_s
    if most_s <= seconds and matches.least_s(LOOK_SHARE * seconds) > most_s:
        return []  # so that the other has its time
    for batch in matches:
        found.append(batch)
        if time.perf_counter() - begun > seconds:
            break
    return found
