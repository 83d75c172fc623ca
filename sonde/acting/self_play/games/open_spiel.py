"""Any game of OpenSpiel for two, with perfect information and no chance, as rules over many positions."""

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np

from sonde.acting.self_play.games.bitboards import ConnectFour, TicTacToe, dropped, rectangle
from sonde.acting.self_play.games.rules import OWN_VIEW, Rules, Symmetry, View, unchanged
from sonde.core.catalogue import require
from sonde.core.errors import DataError, MissingDependency, first_line, nearest

OWN: dict[str, Callable[[], Rules]] = {"connect_four()": ConnectFour, "tic_tac_toe()": TicTacToe}
"""Games that many positions are stepped in at once by NumPy; others are stepped one by one by OpenSpiel."""
WANTED = "self-play with search is for games for two in which both see everything"


def library() -> Any:
    """pyspiel. Raises: MissingDependency"""
    return require("pyspiel", extra="games", purpose="the rules of games")


def game(name: str) -> Any:
    """A game of OpenSpiel, which suits search. name: "connect_four", or with parameters "go(board_size=5)"

    Raises: DataError for an unknown game, with the nearest, another kind of game, or parameters that it cannot be played with;
    MissingDependency
    """
    return _loaded(name)


@contextmanager
def silently() -> Iterator[None]:
    """Without what OpenSpiel prints of an error before it raises it: its C++ code writes to the process's standard error."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


@cache
def _loaded(name: str) -> Any:
    pyspiel = library()
    if not name.strip():
        raise DataError("game: stands before the name of a game; connect_four is one: game:connect_four")
    if name.startswith("game:"):
        raise DataError(f"game:{name}: game: stands once before a name; did you mean {name}?")
    short, _, given = name.partition("(")
    known = {each.short_name: each for each in pyspiel.registered_games()}
    if short not in known:
        near = nearest(short, [name for name, each in known.items() if not _unsuitable(pyspiel, each)])
        did = f"; did you mean {' or '.join(f'game:{one}' for one in near)}?" if near else "; connect_four is one"
        raise DataError(f"game:{name}: no such game of OpenSpiel{did}")
    kind = known[short]
    if given and (wrong := [each for each in parameters(given) if each not in kind.parameter_specification]):
        takes = ", ".join(kind.parameter_specification) or "none"
        raise DataError(f"game:{name}: {short} has no parameter {wrong[0]!r}; it takes {takes}")
    if (why := _unsuitable(pyspiel, kind)) and "game" not in kind.parameter_specification:
        raise DataError(f"game:{name} {why}; {WANTED}")
    try:
        with silently():
            if wrong := _without_fields(pyspiel.game_parameters_from_string(name)):
                raise DataError(f"game:{name} cannot be played: {wrong} has to be a whole number from 1")
            found = pyspiel.load_game(name)
            if why := _unsuitable(pyspiel, found.get_type()):  # of one that is made of another, as misere(game=…) is
                raise DataError(f"game:{name} {why}; {WANTED}")
            first = found.new_initial_state()
            first.observation_tensor(first.current_player())
            str(first)
            moves = first.legal_actions()
    except (pyspiel.SpielError, ValueError) as error:  # ValueError: of a board without fields
        raise DataError(f"game:{name} cannot be played: {_plain(first_line(error))}") from None
    if not moves:
        raise DataError(f"game:{name} cannot be played: there is no move in its first position")
    return found


SIZES = frozenset(
    (
        "board_size",
        "size",
        "rows",
        "columns",
        "num_rows",
        "num_cols",
        "width",
        "height",
        "dims",
        "m",
        "n",
        "k",
        "connect",
        "x_in_row",
    )
    + ("num_houses_per_player", "num_seeds_per_house")
)
"""Parameters that are numbers of fields and the like: below 1 OpenSpiel takes some of them, and crashes, or plays on no board."""


def _without_fields(given: Mapping[str, Any]) -> str:
    """The first of parameters that leaves a game without fields, as it was typed; also of a game within it."""
    for name, value in given.items():
        if isinstance(value, Mapping):
            if wrong := _without_fields(value):
                return wrong
        elif name in SIZES and not (isinstance(value, int) and value >= 1):
            return f"{name}={value}"
    return ""


def _plain(why: str) -> str:
    """What OpenSpiel says of an error, where a person can read it.

    >>> _plain("unsupported board size"), _plain("basic_string::_M_create")
    ('unsupported board size', 'OpenSpiel takes no such parameters')
    >>> _plain("/project/open_spiel/games/breakthrough/breakthrough.cc:124 rows_ > 1")
    'OpenSpiel takes no such parameters (rows > 1)'
    """
    refused = "OpenSpiel takes no such parameters"
    if checked := re.match(r"/\S+\.(?:cc|h):\d+ (.+)", why):
        names = re.sub(r"_(?!\w)", "", checked[1])
        return f"{refused} ({names})"
    return refused if re.match(r"\w+::\w+|'utf-8' codec", why) else why


def parameters(given: str) -> list[str]:
    """Names of parameters, of "board_size=4,swap=True)"; what stands within another game's parentheses is its own.

    >>> parameters("game=hex(board_size=4,swap=True),players=2)")
    ['game', 'players']
    """
    outer = given.removesuffix(")")
    while (inner := re.sub(r"\([^()]*\)", "", outer)) != outer:
        outer = inner
    return [part.partition("=")[0].strip() for part in outer.split(",") if part.strip()]


def _unsuitable(pyspiel: Any, kind: Any) -> str:
    """Why a game cannot be searched, "" where it can."""
    kinds = pyspiel.GameType
    if not kind.min_num_players <= 2 <= kind.max_num_players:
        return "is not for two players"
    if kind.dynamics != kinds.Dynamics.SEQUENTIAL:
        return "has moves that both make at the same time"
    if kind.chance_mode != kinds.ChanceMode.DETERMINISTIC:
        return "has chance in it"
    if kind.information != kinds.Information.PERFECT_INFORMATION:
        return "hides something from its players"
    if kind.utility != kinds.Utility.ZERO_SUM:
        return "is not one that a side wins as the other loses"
    return "" if kind.provides_observation_tensor else "shows no observation as numbers"


def named_so(name: str) -> list[str]:
    """`game:NAME` where a game that suits search is called so; none where it is not, or OpenSpiel is not installed.

    >>> named_so("tic-tac-toe"), named_so("poker")
    (['game:tic_tac_toe'], [])
    """
    try:
        pyspiel = library()
    except MissingDependency:
        return []
    short, parameters, rest = name.strip().partition("(")
    short = short.casefold().replace("-", "_").replace(" ", "_")
    known = {each.short_name: each for each in pyspiel.registered_games()}
    return [f"game:{short}{parameters}{rest}"] if short in known and not _unsuitable(pyspiel, known[short]) else []


def begins(game: Any) -> int:
    """OpenSpiel's number of the player who begins: 1 in chess, 0 in most games."""
    return game.new_initial_state().current_player()


def longest_of(game: Any) -> int:
    """Moves of a game at most. OpenSpiel counts none for hex's swap, by which a stone takes the place of another."""
    told = str(game)
    return int(game.max_game_length()) + ("hex(" in told and "swap=True" in told)


def rules_of(name: str) -> Rules:
    """The rules of `game:NAME`. Raises: as `game`"""
    found, short = game(name), name.partition("(")[0]
    own = OWN.get(f"{short}()")
    return own() if own is not None and str(found) == str(game(short)) else OpenSpiel(name, found)


class OpenSpiel:
    """A game that OpenSpiel steps, one position after the other.

    What its observation does not say, a last plane (or number) does: whether OpenSpiel's player 0 is to move. There is none where
    the side to move sees its own stones first (`STONES`), nor in chess, where it sees the board from where it sits, as OpenSpiel
    numbers its moves.
    """

    def __init__(self, name: str, game: Any) -> None:
        self.name, self._game = name, game
        self.actions: int = game.num_distinct_actions()
        self.longest: int = longest_of(game)
        seen = _board_shape(game)
        flat = seen if len(seen) == 3 else (int(np.prod(seen)),)
        self.shape: tuple[int, ...] = (flat[0] + 1, *flat[1:])
        self.shown = "as OpenSpiel shows them, and whose move it is"
        self._seats: tuple[np.ndarray, np.ndarray] | None = None
        if (short := game.get_type().short_name) == "chess":
            self._seats, self.shape, self.shown = _seats_of_chess(), CHESS, OWN_VIEW
        elif short in STONES:
            self._seats, self.shape, self.shown = _seats_of_stones(seen, *STONES[short]), flat, OWN_VIEW
        self._begins = begins(game)
        self._scale = max(abs(game.min_utility()), abs(game.max_utility()))

    @property
    def symmetries(self) -> Sequence[Symmetry]:
        """Those that are known of a game by its name; where none are, only the one that changes nothing."""
        short, values = self.name.partition("(")[0], int(np.prod(self.shape))
        if short == "connect_four":
            return dropped(self.shape)
        if short in (*STONES, "othello") and len(self.shape) == 3:
            first = self.view(self.start(1)).observation.ravel()
            turns = rectangle(self.shape, self.actions)
            return [
                turn for turn in turns if np.array_equal(first, first[turn.observation])
            ]  # as positions do come about
        if short == "hex":
            return self._half_turn()
        return [unchanged(values, self.actions)]

    def _half_turn(self) -> list[Symmetry]:
        """Of hex: turned by half, the edges of each side change places, and with them the planes of what is joined to them."""
        planes = list(range(self.shape[0]))
        for one, other in HEX_EDGES:
            planes[one], planes[other] = planes[other], planes[one]
        fields = np.arange(int(np.prod(self.shape))).reshape(self.shape)
        turned = fields[planes][:, ::-1, ::-1].ravel()
        return [unchanged(fields.size, self.actions), Symmetry(turned, np.arange(self.actions)[::-1])]

    def start(self, count: int) -> np.ndarray:
        """First positions."""
        found = np.empty((count, 1), object)
        for number in range(count):
            found[number, 0] = self._game.new_initial_state()
        return found

    def step(self, positions: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """One move in each."""
        found = np.empty(positions.shape, object)
        for number, (state, action) in enumerate(zip(positions[:, 0], actions.tolist(), strict=True)):
            found[number, 0] = state.child(action)
        return found

    def view(self, positions: np.ndarray) -> View:
        """See `View`."""
        count = len(positions)
        observation = np.zeros((count, *self.shape), np.float16)
        legal = np.zeros((count, self.actions), bool)
        mover, over, result = np.zeros(count, np.int8), np.zeros(count, bool), np.zeros(count, np.float32)
        flat = observation.reshape(count, -1)
        plane = int(np.prod(self.shape[1:]))
        for number, state in enumerate(positions[:, 0]):
            if state.is_terminal():
                over[number], result[number] = True, state.returns()[self._begins] / self._scale
                continue
            player = state.current_player()
            mover[number] = player != self._begins
            seen = state.observation_tensor(player)
            if self._seats is not None:
                flat[number] = np.asarray(seen, np.float16)[self._seats[player]]
            else:
                flat[number, :-plane] = seen
                flat[number, -plane:] = player == 0
            legal[number, state.legal_actions()] = True
        return View(observation, legal, mover, over, result)


CHESS = (19, 8, 8)  # what is seen of a position


def _seats_of_chess() -> tuple[np.ndarray, np.ndarray]:
    """What OpenSpiel's player 0 (black) and 1 (white) see of an observation (20 planes of 8x8): places in it.

    The planes are of white's view: of each kind of piece white's and black's (12), empty fields, repetitions, who is to move,
    which is left out, moves without a capture, and who may castle to which side (chess.cc, `ObservationTensor`). Moves are
    numbered as the side to move sees them (chess.h, `MoveToAction`): without turning the board one move had two numbers.
    """
    fields = np.arange(20 * 64).reshape(20, 8, 8)
    pieces, rest = list(range(12)), [12, 13, 15]
    white = fields[[*pieces, *rest, 16, 17, 18, 19]]
    other = [kind ^ 1 for kind in pieces]
    black = fields[[*other, *rest, 18, 19, 16, 17]][:, ::-1]
    return black.ravel(), white.ravel()


STONES = {"go": (0, 1), "gomoku": (0, 1), "mnk": (2, 1)}
"""Games whose rules are the same for both colours, and the planes of each player's stones (go.cc, gomoku.cc, mnk.cc:
`ObservationTensor`): the side to move sees its own where player 0's stand, so that what one colour learns the other knows. In Go
a last plane says whether white is to move, who has the komi."""


def _board_shape(game: Any) -> tuple[int, ...]:
    """Of an observation: planes of a board, where it is one. Gomoku's fields, of any number of dimensions, are one axis there."""
    shape, given = tuple(game.observation_tensor_shape()), game.get_parameters()
    if game.get_type().short_name == "gomoku" and given["dims"] == 2:
        return (shape[0], given["size"], given["size"])
    return shape


def _seats_of_stones(shape: tuple[int, ...], first: int, second: int) -> tuple[np.ndarray, np.ndarray]:
    """What OpenSpiel's player 0 and 1 see of an observation: places in it. first, second: planes of their stones"""
    planes = np.arange(int(np.prod(shape))).reshape(shape)
    exchanged = planes.copy()
    exchanged[[first, second]] = planes[[second, first]]
    return planes.ravel(), exchanged.ravel()


HEX_EDGES = (
    (1, 2),
    (6, 7),
)  # planes of hex: left and right of one side, below and above of the other (hex.h, CellState from -4 to 4)
