"""What is shown of a position and of what a player thinks of it, as plain values for a page or a file."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sonde.acting.self_play.games.boards import Board, Move, fields_of, moves_of
from sonde.acting.self_play.games.open_spiel import begins
from sonde.acting.self_play.player import Thought

DIGITS = 4  # of shares and values


def board_shown(board: Board) -> dict[str, Any]:
    """{"look", "rows", "columns", "pieces": [of who begins, of the other] or null}, see `Board`."""
    pieces = None if board.pieces is None else list(board.pieces)
    return {"look": board.look, "rows": board.rows, "columns": board.columns, "pieces": pieces}


def position_shown(board: Board, state: Any) -> dict[str, Any]:
    """{"fields", "mover", "over", "result"}.

    mover: 0, who began, or 1; None where the game is over;  result: for who began, 1, 0 or -1; None where it goes on
    """
    over, beginner = state.is_terminal(), begins(state.get_game())
    return {
        "fields": fields_of(board, state),
        "mover": None if over else int(state.current_player() != beginner),
        "over": over,
        "result": float(np.sign(state.returns()[beginner])) if over else None,
    }


def move_shown(move: Move) -> dict[str, Any]:
    """{"action", "name", "to", "start"}, see `Move`."""
    return move._asdict()


def thought_shown(board: Board, state: Any, thought: Thought, row: int, *, least: float = 0.0) -> dict[str, Any]:
    """{"value", "best", "moves"} of one position of a thought.

    value: for who began, [by the network alone, after the search], from -1 to 1;  best: the move's number
    moves: as `move_shown` with "prior" and "policy", the shares of each by the network alone and after the search
    least: share of either below which a move is left out
    """
    sign = 1 if state.current_player() == begins(state.get_game()) else -1
    prior, policy = thought.prior[row], thought.policy[row]
    kept = [move for move in state.legal_actions() if max(prior[move], policy[move]) >= least]
    moves = [
        {**move_shown(move), "prior": _short(prior[move.action]), "policy": _short(policy[move.action])}
        for move in moves_of(board, state, kept)
    ]
    value = [_short(sign * thought.value[row]), _short(sign * thought.found[row])]
    return {"value": value, "best": int(thought.move[row]), "moves": moves}


def played_to(game: Any, moves: Sequence[int]) -> tuple[Any, list[dict[str, Any]]]:
    """(the state after some moves from the first position, {"name", "mover"} of each). Raises: ValueError for an illegal one"""
    state, made = game.new_initial_state(), []
    beginner = state.current_player()
    for number, move in enumerate(moves, 1):
        if state.is_terminal() or move not in state.legal_actions():
            raise ValueError(f"move {number}, {move}, is not legal there")
        player = state.current_player()
        made.append({"name": state.action_to_string(player, move), "mover": int(player != beginner)})
        state.apply_action(move)
    return state, made


def last_shown(board: Board, game: Any, moves: Sequence[int]) -> dict[str, Any] | None:
    """The last of some legal moves, as `move_shown`; None where there are none."""
    if not moves:
        return None
    return move_shown(moves_of(board, played_to(game, moves[:-1])[0], [moves[-1]])[0])


def _short(value: Any) -> float:
    return round(float(value), DIGITS)
