"""How games begin in which neither side varies: from random moves of a stated seed, each pair of a match elsewhere."""

from functools import lru_cache
from typing import Any

import numpy as np

from sonde.acting.seeds import LIMIT
from sonde.acting.self_play.games.open_spiel import game
from sonde.acting.self_play.games.rows import GameRows
from sonde.core.seeds import derive

MOVES, MOST_MOVES = (
    2,
    6,
)  # random moves that a game begins with: more than two where the game has too few openings of two
MISSES = 500  # draws in a row that bring no other opening, after which there are taken to be no more


def openings(rows: GameRows, pairs: int | None = None) -> tuple[tuple[int, ...], ...]:
    """The moves that each pair of games begins with, all of one length and to as many positions: fewer than there are pairs only
    where the game has no more. Of fewer pairs they are the first of these, where two moves suffice for both.

    pairs: how many are wanted, by default those of all games. Raises: ValueError for all games of training, which has no end
    """
    if pairs is None and rows.number >= LIMIT:
        raise ValueError("games of training have no end: say how many pairs are wanted")
    return _openings(rows.name, rows.seed, -(-rows.number // 2) if pairs is None else pairs, rows.longest)


def distinct_games(rows: GameRows) -> int:
    """How many games of a match can differ in which neither side varies: two from each opening."""
    return min(rows.number, 2 * len(openings(rows)))


@lru_cache(maxsize=64)
def _openings(name: str, seed: int, pairs: int, longest: int) -> tuple[tuple[int, ...], ...]:
    known, most = game(name), tuple[tuple[int, ...], ...]()
    for moves in range(MOVES, min(MOST_MOVES, longest - 1) + 1):
        found = _different(known, seed, pairs, moves)
        most = found if len(found) > len(most) else most
        if len(most) == pairs:
            break
    return most or ((),)


def _different(known: Any, seed: int, pairs: int, moves: int) -> tuple[tuple[int, ...], ...]:
    """Openings of so many moves that lead to different positions, as many as are wanted or were found."""
    found: dict[bytes, tuple[int, ...]] = {}
    number = latest = 0
    while len(found) < pairs and number - latest < MISSES:
        state = _opened(known, seed, number, moves)
        number += 1
        if state is None:
            continue
        player = state.current_player()
        seen = np.asarray(state.observation_tensor(player), np.float32).tobytes() + bytes([player])
        if seen not in found:
            found[seen], latest = tuple(state.history()), number
    return tuple(found.values())


def _opened(known: Any, seed: int, number: int, moves: int) -> Any | None:
    """The position after random moves; None where the game is over by then."""
    state = known.new_initial_state()
    random = np.random.default_rng(derive(seed, "sample", "opening", number))
    for _ in range(moves):
        legal = state.legal_actions()
        state.apply_action(int(legal[random.integers(len(legal))]))
        if state.is_terminal():
            return None
    return state
