"""Boards as they are looked at: what stands on them is what OpenSpiel has, and a move touches the fields that it changes."""

from typing import Any

import numpy as np
import pytest

from sonde.acting.self_play.games.boards import Board, board_of, fields_of, moves_of
from sonde.acting.self_play.games.open_spiel import begins, game

GAMES = {
    "tic_tac_toe": ("noughts", 3, 3),
    "mnk(m=5,n=4,k=3)": ("noughts", 4, 5),
    "connect_four": ("discs", 6, 7),
    "connect_four(rows=4,columns=5)": ("discs", 4, 5),
    "othello": ("othello", 8, 8),
    "go(board_size=5)": ("go", 5, 5),
    "go(board_size=19)": ("go", 19, 19),
    "gomoku(size=9)": ("gomoku", 9, 9),
    "hex(num_cols=4,num_rows=3)": ("hex", 3, 4),
    "chess": ("chess", 8, 8),
}


def states_of(name: str, *, moves: int) -> list[Any]:
    """The positions of a random game."""
    random, state, found = np.random.default_rng(1), game(name).new_initial_state(), []
    while not state.is_terminal() and len(found) < moves:
        found.append(state.clone())
        state.apply_action(int(random.choice(state.legal_actions())))
    return found


@pytest.mark.parametrize("name", GAMES)
def test_a_move_touches_the_fields_that_it_changes(name: str) -> None:
    board = board_of(game(name))
    assert (board.look, board.rows, board.columns) == GAMES[name]
    for state in states_of(name, moves=30):
        before, white = fields_of(board, state), state.current_player() == begins(state.get_game())
        assert len(before) == board.rows * board.columns
        for move in moves_of(board, state):
            after = fields_of(board, state.child(move.action))
            assert move.name == state.action_to_string(state.current_player(), move.action)
            if move.to is None:
                assert "pass" in move.name.lower()
                assert after == before
            elif board.look == "chess":
                assert move.start is not None
                assert (before[move.start].isupper(), after[move.start], after[move.to].isupper()) == (
                    white,
                    ".",
                    white,
                )
            else:
                assert (before[move.to], after[move.to]) == (".", "x" if white else "o")


def test_stones_are_those_of_the_observation() -> None:
    for state in states_of("othello", moves=20):
        fields = fields_of(board_of(state.get_game()), state)
        planes = np.array(state.observation_tensor(0)).reshape(3, 8, 8)
        for plane, stone in zip(planes, ".xo", strict=True):
            assert [each == stone for each in fields] == (plane.ravel() == 1).tolist()


def chess(fen: str) -> dict[str, tuple[int | None, int | None]]:
    """Name of a move -> (to, start)."""
    known = game("chess")
    found = moves_of(board_of(known), known.new_initial_state(fen))
    return {move.name: (move.to, move.start) for move in found}


def field(name: str) -> int:
    return (8 - int(name[1])) * 8 + "abcdefgh".index(name[0])


def test_castling_is_the_kings_move_and_a_capture_in_passing_the_pawns() -> None:
    moves = chess("r3k2r/8/8/3pP3/8/8/8/R3K2R w KQkq d6 0 1")
    assert moves["O-O"] == (field("g1"), field("e1"))
    assert moves["O-O-O"] == (field("c1"), field("e1"))
    assert moves["exd6"] == (field("d6"), field("e5"))
    assert moves["Rxh8+"] == (field("h8"), field("h1"))
    black = chess("r3k2r/8/8/8/3pP3/8/8/R3K2R b KQkq e3 0 1")
    assert black["O-O"] == (field("g8"), field("e8"))
    assert black["dxe3"] == (field("e3"), field("d4"))


def test_promotions_go_to_one_field() -> None:
    moves = chess("8/P7/8/8/8/8/8/K1k5 w - - 0 1")
    assert {name: where for name, where in moves.items() if name.startswith("a8")} == {
        f"a8={piece}": (field("a8"), field("a7")) for piece in "QRBN"
    }


@pytest.mark.parametrize(
    ("name", "pieces"),
    [
        ("breakthrough(rows=6,columns=6)", ("b", "w")),
        ("hex(board_size=3,string_rep=explicit)", None),
        ("lines_of_action", ("x", "o")),  # whose text names who moves, too
        ("havannah(board_size=3)", ("O", "@")),  # … and has brackets around the last move
        ("nim(pile_sizes=1;3;4)", None),
        ("dots_and_boxes(num_rows=2,num_cols=2)", None),  # both draw the same lines
    ],
)
def test_other_boards_are_text_with_the_pieces_that_it_shows(name: str, pieces: tuple[str, str] | None) -> None:
    known = game(name)
    assert (board := board_of(known)) == Board(look="text", pieces=pieces)
    state = known.new_initial_state()
    assert fields_of(board, state) == str(state)
    assert {(move.to, move.start) for move in moves_of(board, state)} == {(None, None)}
