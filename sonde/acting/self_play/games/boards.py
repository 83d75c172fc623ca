"""Boards as one looks at them: the fields of a position of OpenSpiel's, and which of them a move touches.

A field is one character: "." empty, "x" a stone of who began, "o" one of the other; of chess the letter of a piece (FEN).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from sonde.acting.self_play.games.open_spiel import begins

Look = Literal["noughts", "discs", "othello", "go", "gomoku", "hex", "chess", "text"]


@dataclass(frozen=True, kw_only=True)
class Board:
    """look: how it is drawn; "text" as OpenSpiel writes it, without fields;  rows, columns: of its fields, from the top left
    pieces: of a text, the characters that stand for the pieces of who begins and of the other, where they can be told"""

    look: Look
    rows: int = 0
    columns: int = 0
    pieces: tuple[str, str] | None = None


class Move(NamedTuple):
    """A legal move.

    action: its number;  name: as OpenSpiel has it
    to: the field it is made on, None for one that is on none, such as a pass;  start: that a piece leaves by it
    """

    action: int
    name: str
    to: int | None
    start: int | None


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """rows: OpenSpiel's text of a position -> fields of each row;  to: (action, board) -> the field it is made on"""

    look: Look
    rows: Callable[[str], list[str]]
    to: Callable[[int, Board], int | None]
    plain: tuple[str, str] | None = None  # a parameter, and the value without which the text is another


def _lines(text: str) -> list[str]:
    return text.strip().split("\n")


def _othello(text: str) -> list[str]:
    found = re.findall(r"^\d ((?:[-xo] )+)\d$", text, re.MULTILINE)
    return [row.replace(" ", "").replace("-", ".") for row in found]


def _go(text: str) -> list[str]:
    return [row.translate(GO) for row in re.findall(r"^ ?\d+ ([X+O]+)$", text, re.MULTILINE)]


def _gomoku(text: str) -> list[str]:
    return [row.translate(GOMOKU) for row in _lines(text)[1:]]


def _chess(text: str) -> list[str]:
    ranks = text.partition(" ")[0].split("/")
    return [re.sub(r"\d", lambda empty: "." * int(empty[0]), rank) for rank in ranks]


def _in_reading_order(action: int, board: Board) -> int | None:
    return action if action < board.rows * board.columns else None


def _from_below(action: int, board: Board) -> int | None:
    row, column = divmod(action, board.columns)
    return (board.rows - 1 - row) * board.columns + column if row < board.rows else None


NO_PIECE = (
    " .-_()[]0123456789"  # characters of a text of a board that stand for no piece, but for none, a number or a frame
)
MOST_TRIED = 100  # moves by which it is told which pieces a side has
GO = str.maketrans("+XO", ".xo")
GOMOKU = str.maketrans("bw", "xo")
KINDS: dict[str, _Kind] = {
    "tic_tac_toe": _Kind(look="noughts", rows=_lines, to=_in_reading_order),
    "mnk": _Kind(look="noughts", rows=_lines, to=_in_reading_order),
    "connect_four": _Kind(look="discs", rows=_lines, to=lambda action, _: action),
    "othello": _Kind(look="othello", rows=_othello, to=_in_reading_order),
    "go": _Kind(look="go", rows=_go, to=_from_below),
    "gomoku": _Kind(look="gomoku", rows=_gomoku, to=_in_reading_order, plain=("dims", "2")),
    "hex": _Kind(
        look="hex",
        rows=lambda text: [line.replace(" ", "") for line in _lines(text)],
        to=_in_reading_order,
        plain=("string_rep", "standard"),
    ),
    "chess": _Kind(look="chess", rows=_chess, to=lambda action, _: None),
}


def board_of(game: Any) -> Board:
    """The board of a game of OpenSpiel's."""
    kind = KINDS.get(game.get_type().short_name)
    if kind is None or (kind.plain and str(game.get_parameters()[kind.plain[0]]) != kind.plain[1]):
        return Board(look="text", pieces=_pieces(game))
    rows = kind.rows(str(game.new_initial_state()))
    return Board(look=kind.look, rows=len(rows), columns=len(rows[0]))


def _pieces(game: Any) -> tuple[str, str] | None:
    """What the first moves of each side put on the board, where that is one character, and another for each."""
    state = game.new_initial_state()
    if state.is_chance_node():
        return None
    first, second = _put(state), _put(state.child(state.legal_actions()[0]))
    return (first, second) if first and second and first != second else None


def _put(state: Any) -> str:
    """The one character that all of the next moves put somewhere; "" where there is none."""
    before, found = str(state), []
    for action in [] if state.is_terminal() else state.legal_actions()[:MOST_TRIED]:
        lines = [
            pair
            for pair in zip(before.split("\n"), str(state.child(action)).split("\n"), strict=False)
            if ":" not in pair[0]
        ]
        found.append(
            {
                new
                for old, line in lines
                for was, new in zip(old, line, strict=False)
                if new != was and new not in NO_PIECE
            }
        )
    common = set.intersection(*found) if found else set()
    return common.pop() if len(common) == 1 else ""


def fields_of(board: Board, state: Any) -> str:
    """(rows * columns) characters, row by row from the top; of a board without fields the text of the position."""
    if board.look == "text":
        return str(state)
    return "".join(KINDS[state.get_game().get_type().short_name].rows(str(state)))


def moves_of(board: Board, state: Any, actions: Sequence[int] | None = None) -> list[Move]:
    """The legal moves, or those of them that are given by number."""
    player = state.current_player()
    found = state.legal_actions() if actions is None else actions
    return [Move(action, state.action_to_string(player, action), *_touched(board, state, action)) for action in found]


def _touched(board: Board, state: Any, action: int) -> tuple[int | None, int | None]:
    """(the field a move is made on, the field a piece leaves)."""
    if board.look == "text":
        return None, None
    if board.look == "chess":
        return _moved(board, state, action)
    to = KINDS[state.get_game().get_type().short_name].to(action, board)
    if board.look == "discs":  # a column: its lowest free field
        fields = fields_of(board, state)
        column = [row * board.columns + action for row in range(board.rows)]
        to = next(field for field in reversed(column) if fields[field] == ".")
    return to, None


def _moved(board: Board, state: Any, action: int) -> tuple[int | None, int | None]:
    """Of chess, from the fields before and after: of castling, the king's; (None, None) where that stays (Chess960)."""
    white = state.current_player() == begins(state.get_game())
    before, after = fields_of(board, state), fields_of(board, state.child(action))
    changed = [field for field in range(len(before)) if before[field] != after[field]]
    left = [field for field in changed if before[field] != "." and before[field].isupper() == white]
    reached = [field for field in changed if after[field] != "." and after[field].isupper() == white]
    if len(left) > 1 or len(reached) > 1:
        left = [field for field in left if before[field] in "Kk"]
        reached = [field for field in reached if after[field] in "Kk"]
    return (reached[0], left[0]) if left and reached else (None, None)
