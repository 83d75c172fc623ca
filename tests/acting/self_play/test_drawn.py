"""Boards and moves in the terminal: symbols, the last move, and the word that each move is typed by."""

from typing import Any

import pytest

from sonde.acting.self_play.drawn import drawn, how_to_type, meant, words_of
from sonde.acting.self_play.games.boards import Board, board_of
from sonde.acting.self_play.games.open_spiel import game


def after(name: str, *moves: int) -> tuple[Board, Any]:
    state = game(name).new_initial_state()
    for move in moves:
        state.apply_action(move)
    return board_of(game(name)), state


def test_free_fields_of_a_small_board_are_their_numbers_and_the_last_move_stands_in_brackets() -> None:
    assert drawn(*after("tic_tac_toe")) == ["   0  1  2", "   3  4  5", "   6  7  8"]
    assert drawn(*after("tic_tac_toe", 4, 0)) == ["  [o] 1  2", "   3  x  5", "   6  7  8"]


def test_columns_are_numbered_where_a_disc_falls() -> None:
    assert drawn(*after("connect_four", 3, 3))[-3:] == [
        "    .  .  . [o] .  .  .",
        "    .  .  .  x  .  .  .",
        "    0  1  2  3  4  5  6",
    ]


def test_rows_of_hex_lean() -> None:
    assert drawn(*after("hex(board_size=3)", 4)) == [
        "     a   b   c",
        "  1  .   .   .",
        "  2    .  [x]  .",
        "  3      .   .   .",
    ]


def test_edges_are_labelled_as_moves_are_called() -> None:
    assert drawn(*after("othello"))[3] == "  3  .  .  .  .  .  .  .  ."
    assert drawn(*after("go(board_size=9)", 0))[-2:] == [
        "  1 [x] .  .  .  .  .  .  .  .",
        "     a  b  c  d  e  f  g  h  j",
    ]
    assert drawn(*after("chess"))[0] == "  8  r  n  b  q  k  b  n  r"
    assert drawn(*after("gomoku"))[:2] == [
        "      " + "  ".join(map(str, range(10))) + " 10 11 12 13 14",
        "   0 " + " ." + "  ." * 14,
    ]


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("tic_tac_toe", "4"),
        ("mnk(m=6,n=6,k=4)", "1,2"),
        ("connect_four", "3"),
        ("othello", "d3"),
        ("go(board_size=9)", "pass"),
        ("hex(board_size=5)", "c3"),
        ("chess", "Nf3"),
        ("breakthrough(rows=6,columns=6)", "a5a4"),
    ],
)
def test_each_move_is_meant_by_its_word_its_number_and_its_name(name: str, word: str) -> None:
    board, state = after(name)
    words = words_of(board, state)
    assert word in words.values()
    for move, typed in words.items():
        assert meant(board, state, typed) == move
        assert meant(board, state, state.action_to_string(state.current_player(), move)) == move
    assert how_to_type(board, state).startswith("type ")


def test_what_is_typed_loosely_is_understood_where_it_is_one_move() -> None:
    board, state = after("chess")
    assert meant(board, state, "nf3") == meant(board, state, "Nf3") is not None
    assert meant(board, state, "E4") == meant(board, state, "e4")
    assert meant(*after("go(board_size=9)"), "B A1") == 0
    assert meant(*after("tic_tac_toe", 4), "4") is None


def test_moves_that_share_a_name_are_called_by_their_numbers() -> None:
    board, state = after("nim", 0)

    class Alike:
        def __getattr__(self, name: str) -> Any:
            return (lambda *_: "take") if name == "action_to_string" else getattr(state, name)

    assert words_of(board, Alike()) == {move: str(move) for move in state.legal_actions()}
