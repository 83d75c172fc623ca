"""Games that a trained network plays out to be looked at: its best moves against itself as it was before, and what it thinks."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch

from sonde.acting.self_play.games.boards import Board, board_of, moves_of
from sonde.acting.self_play.games.open_spiel import game
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.games.rules import replayed
from sonde.acting.self_play.openings import openings
from sonde.acting.self_play.opponents import Searching
from sonde.acting.self_play.player import Player
from sonde.acting.self_play.search.search import judge_of
from sonde.acting.self_play.shown import board_shown, move_shown, position_shown, thought_shown
from sonde.core.pace import LeftOff, never
from sonde.core.playing import Playing

SECONDS = 20.0  # that all of them may take to play
MOST_MOVES = 300  # of a game: what follows is not shown
LEAST = 0.005  # share of a move below which it is not kept


@dataclass(kw_only=True)
class _Game:
    """network: which side it plays, 0 who begins;  drawn: random moves that are made first;  plies: what was seen so far"""

    title: str
    network: int
    state: Any
    drawn: list[int]
    plies: list[dict[str, Any]] = field(default_factory=list)


def exhibited(
    rows: GameRows,
    playing: Playing,
    device: torch.device,
    *,
    seconds: float = SECONDS,
    leave_off: Callable[[], bool] = never,
) -> dict[str, Any]:
    """Two games, the content of played.json: one from the first position, which the network begins, and one after random moves
    that a pair of `rows` may begin with, in which it moves second. They are the same each time, but for where time ends them.

    {"board", "simulations", "seed", "against": "earlier" or "itself", "games": [{"title", "network", "plies": [position with what
    the network thinks, "played" and "by": "network", "earlier" or "drawn"], "final": position, "cut": why it is not whole}]}

    seconds: after which they are cut off, in the middle of a move too;  leave_off: asked while they are played
    """
    until, known = time.perf_counter() + seconds, game(rows.name)

    def over() -> bool:
        return time.perf_counter() > until or leave_off()

    board, player, earlier = board_of(known), Player(rows.name, playing, device, leave_off=over), playing.earlier()
    other = None if earlier is None else Searching(rows, judge_of(earlier, device), playing.plan, over)
    drawn = list(openings(rows, pairs=1)[0])
    games = [
        _Game(title="from the first position", network=0, state=known.new_initial_state(), drawn=[]),
        _Game(
            title=f"after {len(drawn)} random moves, seed {rows.seed}",
            network=1,
            state=known.new_initial_state(),
            drawn=drawn,
        ),
    ]
    longest = min(rows.longest, MOST_MOVES)
    with suppress(LeftOff):
        while going := [each for each in games if not each.state.is_terminal() and len(each.plies) < longest]:
            _move(going, board, player, other)
    why = "as the run was stopped" if leave_off() else f"after {seconds:.2g} s of play"
    return {
        "board": board_shown(board),
        "simulations": player.plan.simulations,
        "seed": rows.seed,
        "against": "itself" if other is None else "earlier",
        "games": [_told(each, board, longest, why) for each in games],
    }


def _move(going: list[_Game], board: Board, player: Player, other: Searching | None) -> None:
    """One move in each game. Raises: LeftOff"""
    thought = player.thought_of(replayed(player.rules, [each.state.history() for each in going]))
    for row, each in enumerate(going):
        position = position_shown(board, each.state)
        if each.drawn:
            move, by = each.drawn.pop(0), "drawn"
        elif other is not None and position["mover"] != each.network:
            [move], by = other.move([row], [each.state]), "earlier"
        else:
            move, by = int(thought.move[row]), "network"
        [made] = moves_of(board, each.state, [move])
        shown = thought_shown(board, each.state, thought, row, least=LEAST)
        each.plies.append({**position, **shown, "played": move_shown(made), "by": by})
        each.state.apply_action(move)


def _told(each: _Game, board: Board, longest: int, why: str) -> dict[str, Any]:
    """why: it is cut off, where it has not lasted longest"""
    cut = ""
    if not each.state.is_terminal():
        cut = f"after {longest} moves" if len(each.plies) >= longest else why
    final = position_shown(board, each.state)
    return {"title": each.title, "network": each.network, "plies": each.plies, "final": final, "cut": cut}
