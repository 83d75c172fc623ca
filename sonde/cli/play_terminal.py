"""`sonde play RUN` in the terminal: the board, a line to type at, and what the network thinks, turn by turn."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from sonde.acting.self_play.drawn import drawn, how_to_type, meant, sides, words_of
from sonde.acting.self_play.games.boards import Board, board_of
from sonde.acting.self_play.games.open_spiel import begins
from sonde.acting.self_play.player import Player, Thought
from sonde.core.errors import nearest
from sonde.core.units import counted
from sonde.screen.screen import Screen
from sonde.screen.tables import plain_table

NUMBER = re.compile(r"[-+]?\d+")
LEAVES = ("quit", "exit", "q")
SHOWN = 4  # moves that it thinks likeliest
LEAST = 0.005  # share of one below which it is not among them


def play(screen: Screen, state: Any, player: Player, *, ours: int, typed: Callable[[str], Iterator[str]]) -> None:
    """One game from `state` on. ours: OpenSpiel's number of the person;  typed: what to ask with -> the person's lines"""
    board = board_of(state.get_game())
    first = ours == begins(state.get_game())
    known = sides(board)
    mine = "" if known is None else f" ({known[0 if first else 1].split(' ')[0].rstrip(',')})"
    table, lines = _Table(screen, board, player, ours), typed(f"your move{mine}> ")
    screen.write("\n".join([*_introduced(board, state, first), "", ""]))
    table.show(state)
    while not state.is_terminal():
        if state.current_player() != ours:
            table.network_moves(state)
        elif (found := table.asked(state, lines)) is None:
            screen.say(f"you left the game after {counted(state.move_number(), 'move', 'moves')}")
            return
        else:
            state = found
    screen.say(_ended(state, ours))


def _introduced(board: Board, state: Any, first: bool) -> list[str]:
    """Whose side is whose, and what is typed. first: whether the person begins"""
    known = sides(board)
    own, other = ("first", "second") if first else ("second", "first")
    if known is None:
        lines = [f"you move {own}, the network moves {other}"]
    else:
        mine, its = known if first else known[::-1]
        lines = [f"you play {mine}, and move {own}", f"the network plays {its}"]
    return [
        *lines,
        "",
        f"to move, {how_to_type(board, state)}",
        "Enter alone lists the legal moves; hint, back and quit are commands",
        "values are for you: +1 you win, 0 a draw, -1 you lose",
    ]


def _ended(state: Any, ours: int) -> str:
    returned, after = state.returns()[ours], counted(state.move_number(), "move", "moves")
    return f"{'You won' if returned > 0 else 'You lost' if returned < 0 else 'A draw'} after {after}."


class _Table:
    """What is said while a game is played."""

    def __init__(self, screen: Screen, board: Board, player: Player, ours: int) -> None:
        self._screen, self._board, self._player, self._ours = screen, board, player, ours

    def show(self, state: Any) -> None:
        """The board, and a blank line."""
        self._screen.write("\n".join([*drawn(self._board, state), "", ""]))

    def network_moves(self, state: Any) -> None:
        """Its move, with what it thought of, and the board after it."""
        thought = self._thought(state)
        move = int(thought.move[0])
        self._screen.say(f"the network plays {words_of(self._board, state)[move]}")
        self._tell(state, thought, "played")
        state.apply_action(move)
        self.show(state)

    def asked(self, state: Any, typed: Iterator[str]) -> Any | None:
        """The state after the person's move, or before their last one where it is taken back; None where they leave."""
        for line in typed:
            if line in LEAVES:
                return None
            if line == "back":
                if (before := _before(state, self._ours)) is not None:
                    self._screen.say("your last move is taken back\n")
                    self.show(before)
                    return before
                self._screen.say("there is no move of yours to take back")
            elif line == "hint":
                thought = self._thought(state)
                self._screen.say(f"the network would play {words_of(self._board, state)[int(thought.move[0])]}")
                self._tell(state, thought, "best")
            elif line and (move := meant(self._board, state, line)) is not None:
                return self._moved(state, move)
            else:
                self._screen.say(_which(words_of(self._board, state), line))
        return None

    def _moved(self, state: Any, move: int) -> Any:
        """The state after the person's move, and what the network would have done in their place."""
        after = state.clone()
        after.apply_action(move)
        self._screen.write("\n")
        self.show(after)
        thought = self._thought(state)
        best = int(thought.move[0])
        would = f"{words_of(self._board, state)[best]}{' too' if best == move else ''}"
        self._screen.say(
            f"in your place the network would have played {would} (value for you {_signed(thought.found[0])})"
        )
        if after.is_terminal():
            self._screen.write("\n")
        return after

    def _thought(self, state: Any) -> Thought:
        self._screen.output.transient("the network thinks")
        thought = self._player.think([state.history()])
        self._screen.output.clear()
        return thought

    def _tell(self, state: Any, thought: Thought, chosen: str) -> None:
        """The likeliest moves, the value, and a blank line. chosen: what the move that it found the best is called"""
        sign = 1 if state.current_player() == self._ours else -1
        words = words_of(self._board, state)
        rows = _rows(thought, words, chosen)
        found, alone = _signed(sign * thought.found[0]), _signed(sign * thought.value[0])
        lines = [*rows, f"value for you {found}, by the network alone {alone}", *_why_not_first(thought, words)]
        self._screen.write("".join(f"  {line}\n" for line in lines) + "\n")


def _rows(thought: Thought, words: dict[int, str], chosen: str) -> list[str]:
    """The likeliest moves and the best, which may be another, in aligned columns."""
    policy, prior, best = thought.policy[0], thought.prior[0], int(thought.move[0])
    likely = [int(move) for move in policy.argsort()[::-1][:SHOWN] if policy[move] >= LEAST]
    rows = [
        (words[move], f"{100 * prior[move]:.0f} %", f"{100 * policy[move]:.0f} %", chosen if move == best else "")
        for move in [*likely, *([] if best in likely else [best])]
    ]
    return plain_table("", ["move", "network alone", "after search", ""], rows)


def _why_not_first(thought: Thought, words: dict[int, str]) -> list[str]:
    """Why the move that it found the best is not the likeliest after the search, where that is so, as after little training."""
    policy, best = thought.policy[0], int(thought.move[0])
    first = int(policy.argmax())
    if policy[first] <= policy[best]:
        return []
    played = "it plays the best of the moves that its search followed most often"
    return [f"{played}; in its last simulations {words[first]} came out better"]


def _signed(value: float) -> str:
    """
    >>> _signed(-0.001), _signed(0.25), _signed(-0.25)
    ('+0.00', '+0.25', '-0.25')
    """
    return f"{round(float(value), 2) + 0.0:+.2f}"  # which makes 0 of -0


def _which(words: dict[int, str], line: str) -> str:
    """What may be typed."""
    near = nearest(line, words.values()) if line and not NUMBER.fullmatch(line) else []
    wrong = f"{line!r} is no legal move{f', did you mean {near[0]}?' if near else ''}; " if line else ""
    return f"{wrong}legal are {', '.join(words.values())}"


def _before(state: Any, ours: int) -> Any | None:
    """The state before the person's last move; None where there was none."""
    found, mine = state.get_game().new_initial_state(), None
    for move in state.history():
        if found.current_player() == ours:
            mine = found.clone()
        found.apply_action(move)
    return mine
