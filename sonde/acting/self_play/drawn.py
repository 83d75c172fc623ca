"""Boards and moves as they are written in a terminal: which side has which symbol, and the words that a move is typed by."""

import re
from collections.abc import Callable, Sequence
from typing import Any

from sonde.acting.self_play.games.boards import Board, Look, fields_of
from sonde.acting.self_play.shown import last_shown

NUMBERED = 25  # fields at most, of which the free ones are shown by the number that is typed
GO_COLUMNS = "abcdefghjklmnopqrstuvwxyz"
COLUMNS = "abcdefghijklmnopqrstuvwxyz"
SIDES: dict[Look, tuple[str, str]] = {
    "noughts": ("x", "o"),
    "discs": ("x", "o"),
    "othello": ("x (black)", "o (white)"),
    "go": ("x (black)", "o (white)"),
    "gomoku": ("x (black)", "o (white)"),
    "hex": ("x, which joins top and bottom", "o, which joins left and right"),
    "chess": ("white (capital letters)", "black (small letters)"),
}


def sides(board: Board) -> tuple[str, str] | None:
    """What who begins plays, and what the other does; None where it is not known how a game is written."""
    return SIDES.get(board.look)


def drawn(board: Board, state: Any) -> list[str]:
    """A position in lines, the field of the last move in brackets."""
    if board.look == "text":
        return str(state).rstrip("\n").split("\n")
    fields, moves = list(fields_of(board, state)), state.history()
    last = last_shown(board, state.get_game(), moves)
    if _numbered(board):
        fields = [str(at) if field == "." else field for at, field in enumerate(fields)]
    width = max(map(len, fields))
    cells = [f" {field:>{width}} " for field in fields]
    if last is not None and last["to"] is not None:
        at = last["to"]
        cells[at] = f"[{fields[at]:>{width}}]"
    rows = [cells[first : first + board.columns] for first in range(0, len(cells), board.columns)]
    return _labelled(board, rows, width)


def _numbered(board: Board) -> bool:
    return board.look == "noughts" and board.rows * board.columns <= NUMBERED


def _labelled(board: Board, rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """Rows with what stands at their edges; those of hex lean."""
    if _numbered(board):
        return ["  " + "".join(row).rstrip() for row in rows]
    across, down, below = _labels(board)
    gap, lean = (" ", "  ") if board.look == "hex" else ("", "")
    wide = max(map(len, down))
    lines = [f"  {down[at]:>{wide}} {lean * at}{gap.join(row)}".rstrip() for at, row in enumerate(rows)]
    head = f"  {'':{wide}} " + gap.join(f"{label:^{width + 2}}" for label in across).rstrip()
    return [*lines, head] if below else [head, *lines]


def _labels(board: Board) -> tuple[list[str], list[str], bool]:
    """(of columns, of rows, whether the columns' stand below)."""
    look, numbers = board.look, [str(row) for row in range(board.rows)]
    if look == "discs":
        return [str(column) for column in range(board.columns)], [""] * board.rows, True
    if look in ("gomoku", "noughts"):
        return [str(column) for column in range(board.columns)], numbers, False
    letters = list((GO_COLUMNS if look == "go" else COLUMNS)[: board.columns])
    upwards = [str(board.rows - row) for row in range(board.rows)]
    if look in ("go", "chess"):
        return letters, upwards, True
    return letters, [str(row + 1) for row in range(board.rows)], False


def words_of(board: Board, state: Any) -> dict[int, str]:
    """Legal move -> the word that it is typed by: as short as it can be, and no other's."""
    player, word = state.current_player(), _word(board)
    found = {move: word(state.action_to_string(player, move), move) for move in state.legal_actions()}
    return found if len(set(found.values())) == len(found) else {move: str(move) for move in found}


def _word(board: Board) -> Callable[[str, int], str]:
    """(name, number) -> word."""
    if board.look == "discs" or _numbered(board):
        return lambda _, move: str(move)
    if board.look == "noughts":
        return lambda name, _: re.sub(r"^[xo]\((.*)\)$", r"\1", name)
    if board.look == "go":
        return lambda name, _: name.partition(" ")[2].lower()
    return lambda name, _: name


def how_to_type(board: Board, state: Any) -> str:
    """With a move as an example. state: in which the game goes on"""
    words = list(words_of(board, state).values())
    example = words[len(words) // 2]
    if board.look == "discs":
        return f"type the number of a column, such as {example}"
    if _numbered(board):
        return f"type the number of a free field, such as {example}"
    if board.look == "go":
        return f"type a field, such as {example}, or pass"
    if board.look == "chess":
        return "type a move as it is written in chess, such as e4, Nf3 or O-O"
    if board.look in ("gomoku", "noughts"):
        return f"type the row and the column of a field, such as {example}"
    return f"type a {'move' if board.look == 'text' else 'field'}, such as {example}"


def meant(board: Board, state: Any, line: str) -> int | None:
    """The legal move that a line means, by its word, its number, or its name as OpenSpiel has it; None for none."""
    player, words = state.current_player(), words_of(board, state)
    ways: tuple[dict[int, str], ...] = (
        words,
        {move: str(move) for move in words},
        {move: state.action_to_string(player, move) for move in words},
    )
    for plain in (str, _loosely):  # "Bxc3" and "bxc3" are two moves of chess: as typed comes first
        for way in ways:
            found = [move for move, word in way.items() if plain(word) == plain(line)]
            if len(found) == 1:
                return found[0]
    return None


def _loosely(text: str) -> str:
    return re.sub(r"[\s+#]", "", text).lower()
