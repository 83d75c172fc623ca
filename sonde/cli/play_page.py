"""`sonde play RUN --page`: the same game on a page, for this machine's browser."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from sonde.watch.play_app import Table, build
from sonde.watch.server import ADDRESS, listen, require_extra, serve

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from sonde.acting.self_play.player import Player
    from sonde.screen.screen import Screen


class Seat:
    """A trained player at a board, as the page asks it: positions and thoughts after moves from the first position."""

    def __init__(self, name: str, player: "Player") -> None:
        """name: of the game, as `game:NAME` has it"""
        from sonde.acting.self_play.games.boards import board_of
        from sonde.acting.self_play.games.open_spiel import game

        self._game, self._player = game(name), player
        self._board = board_of(self._game)

    def position(self, moves: Sequence[int]) -> dict[str, Any]:
        """What the page shows at once: the board, the legal moves, and what the moves so far are called.

        Raises: ValueError for a move that is not legal
        """
        from sonde.acting.self_play.games.boards import moves_of
        from sonde.acting.self_play.shown import board_shown, last_shown, move_shown, played_to, position_shown

        state, made = played_to(self._game, moves)
        legal = [] if state.is_terminal() else [move_shown(move) for move in moves_of(self._board, state)]
        last = last_shown(self._board, self._game, moves)
        shown = position_shown(self._board, state)
        return {"board": board_shown(self._board), **shown, "legal": legal, "made": made, "last": last}

    def thought(self, moves: Sequence[int]) -> dict[str, Any]:
        """What the player thinks of a position in which the game goes on. Raises: ValueError for another"""
        from sonde.acting.self_play.shown import played_to, thought_shown

        state = played_to(self._game, moves)[0]
        if state.is_terminal():
            raise ValueError("the game is over there")
        return thought_shown(self._board, state, self._player.think([moves]), 0)


def show(screen: "Screen", seat: Seat, *, title: str, second: bool, port: int | None) -> None:
    """Serve the page until Ctrl-C. title: what the page is called;  second: whether the network begins

    Raises: ConfigError, MissingDependency
    """
    require_extra("sonde play --page")
    with listen(port) as at:
        screen.say(f"play at http://{ADDRESS}:{at.getsockname()[1]}")
        screen.say("Ctrl-C ends the page")

        def application(stopping: Callable[[], bool]) -> "Starlette":
            return build(Table(position=seat.position, thought=seat.thought, title=title, second=second))

        serve(application, at)
