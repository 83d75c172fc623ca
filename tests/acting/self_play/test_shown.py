"""What a page is told of a position, from the side of who began."""

import numpy as np
import pytest

from sonde.acting.self_play.games.boards import board_of
from sonde.acting.self_play.games.open_spiel import game
from sonde.acting.self_play.player import Thought
from sonde.acting.self_play.shown import last_shown, played_to, position_shown, thought_shown

KNOWN = game("tic_tac_toe")
BOARD = board_of(KNOWN)


def thought() -> Thought:
    shares = np.full((1, 9), 0.125)
    shares[0, :2] = 0.9, 0.001
    return Thought(np.array([0]), shares, shares / 2, np.array([0.25]), np.array([-0.5]))


def test_values_are_those_for_who_began() -> None:
    first, second = (thought_shown(BOARD, played_to(KNOWN, moves)[0], thought(), 0) for moves in ([], [8]))
    assert (first["value"], second["value"]) == ([0.25, -0.5], [-0.25, 0.5])
    assert second["best"] == 0
    assert [move["action"] for move in second["moves"]] == list(range(8))
    assert second["moves"][0] == {"action": 0, "name": "o(0,0)", "to": 0, "start": None, "prior": 0.9, "policy": 0.45}


def test_moves_of_little_share_are_left_out_where_asked() -> None:
    found = thought_shown(BOARD, KNOWN.new_initial_state(), thought(), 0, least=0.005)
    assert [move["action"] for move in found["moves"]] == [0, 2, 3, 4, 5, 6, 7, 8]


def test_a_position_says_who_moves_and_how_it_ended() -> None:
    state, made = played_to(KNOWN, [0, 3])
    assert position_shown(BOARD, state) == {"fields": "x..o.....", "mover": 0, "over": False, "result": None}
    assert made == [{"name": "x(0,0)", "mover": 0}, {"name": "o(1,0)", "mover": 1}]
    won = played_to(KNOWN, [0, 3, 1, 4, 2])[0]
    assert position_shown(BOARD, won) == {"fields": "xxxoo....", "mover": None, "over": True, "result": 1.0}


def test_white_begins_in_chess_though_open_spiel_counts_it_second() -> None:
    known = game("chess")
    state, made = played_to(known, [])
    assert position_shown(board_of(known), state)["mover"] == 0
    mate = [known.new_initial_state().string_to_action("f3")]
    for san in ("e5", "g4", "Qh4#"):
        mate.append(played_to(known, mate)[0].string_to_action(san))
    lost, made = played_to(known, mate)
    assert position_shown(board_of(known), lost)["result"] == -1
    assert [each["mover"] for each in made] == [0, 1, 0, 1]


def test_the_last_move_and_moves_that_are_not_legal() -> None:
    assert last_shown(BOARD, KNOWN, []) is None
    assert last_shown(BOARD, KNOWN, [0, 3]) == {"action": 3, "name": "o(1,0)", "to": 3, "start": None}
    with pytest.raises(ValueError, match="move 2, 0, is not legal there"):
        played_to(KNOWN, [0, 0])
    with pytest.raises(ValueError, match="move 6"):
        played_to(KNOWN, [0, 3, 1, 4, 2, 5])
