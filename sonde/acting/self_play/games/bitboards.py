"""Connect four and tic-tac-toe over many positions at once: a position is two numbers whose bits are stones.

The first holds the stones of the side to move, the second those of both. How many there are tells who is to move.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sonde.acting.self_play.games.rules import OWN_VIEW, Symmetry, View

ONE = np.uint64(1)
COLUMNS, ROWS = 7, 6
HEIGHT = ROWS + 1  # bits of a column, the highest of which stays empty, so that no line runs over the top
DIRECTIONS = tuple(map(np.uint64, (1, HEIGHT, HEIGHT - 1, HEIGHT + 1)))  # up, along, and both diagonals


def _bits(places: np.ndarray) -> np.ndarray:
    return ONE << places.astype(np.uint64)


def _planes(positions: np.ndarray, places: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """(n, 2, *shape) int8, stones of the side to move and of the other. places: the bit of each field, row by row from the top"""
    mine, both = positions[:, 0], positions[:, 1]
    sides = np.stack([mine, mine ^ both], 1)
    found = (sides[:, :, None] >> places.astype(np.uint64)) & ONE
    return found.astype(np.int8).reshape(len(positions), 2, *shape)


def _view(positions: np.ndarray, observation: np.ndarray, open_: np.ndarray, won: np.ndarray, fields: int) -> View:
    """Of either game. open_: (n, actions) where a stone can be set;  won: (n,) whether who moved last has a line"""
    stones = np.bitwise_count(positions[:, 1])
    mover = (stones & 1).astype(np.int8)
    over = won | (stones == fields)
    result = np.where(won, np.where(mover == 1, 1.0, -1.0), 0.0).astype(np.float32)  # who moved last is the other
    return View(observation, open_ & ~over[:, None], mover, over, result)


@dataclass(frozen=True)
class ConnectFour:
    """Seven columns of six, four in a row: bit 7 c + r is row r from below of column c (as Fhourstones by Tromp has it)."""

    name: str = "connect_four"
    actions: int = COLUMNS
    shape: tuple[int, ...] = (2, ROWS, COLUMNS)
    longest: int = ROWS * COLUMNS
    shown: str = OWN_VIEW

    @property
    def symmetries(self) -> Sequence[Symmetry]:
        """As it is, and mirrored."""
        return dropped(self.shape)

    @cached_property
    def _places(self) -> np.ndarray:
        rows, columns = np.mgrid[ROWS - 1 : -1 : -1, :COLUMNS]
        return (columns * HEIGHT + rows).ravel()

    def start(self, count: int) -> np.ndarray:
        """Empty boards."""
        return np.zeros((count, 2), np.uint64)

    def step(self, positions: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Drop a stone into a column each."""
        mine, both = positions[:, 0], positions[:, 1]
        return np.stack([mine ^ both, both | (both + _bits(actions * HEIGHT))], 1)

    def view(self, positions: np.ndarray) -> View:
        """See `View`."""
        mine, both = positions[:, 0], positions[:, 1]
        last = mine ^ both
        won = np.zeros(len(positions), bool)
        for direction in DIRECTIONS:
            pairs = last & (last >> direction)
            won |= (pairs & (pairs >> (direction + direction))) != 0
        top = _bits(np.arange(COLUMNS) * HEIGHT + ROWS - 1)
        open_ = (both[:, None] & top) == 0
        return _view(positions, _planes(positions, self._places, (ROWS, COLUMNS)), open_, won, self.longest)


@dataclass(frozen=True)
class TicTacToe:
    """Three by three, three in a row: bit k is field k, row by row from the top."""

    name: str = "tic_tac_toe"
    actions: int = 9
    shape: tuple[int, ...] = (2, 3, 3)
    longest: int = 9
    shown: str = OWN_VIEW

    @property
    def symmetries(self) -> Sequence[Symmetry]:
        """The eight of a square."""
        return square(self.shape, 9)

    def start(self, count: int) -> np.ndarray:
        """Empty boards."""
        return np.zeros((count, 2), np.uint64)

    def step(self, positions: np.ndarray, actions: np.ndarray) -> np.ndarray:
        """Set a stone each."""
        mine, both = positions[:, 0], positions[:, 1]
        return np.stack([mine ^ both, both | _bits(actions)], 1)

    def view(self, positions: np.ndarray) -> View:
        """See `View`."""
        mine, both = positions[:, 0], positions[:, 1]
        fields = np.arange(9)
        won = ((mine ^ both)[:, None] & LINES == LINES).any(1)
        open_ = (both[:, None] & _bits(fields)) == 0
        return _view(positions, _planes(positions, fields, (3, 3)), open_, won, 9)


LINES = np.array(
    [sum(1 << field for field in line) for line in
     ((0, 1, 2), (3, 4, 5), (6, 7, 8), (0, 3, 6), (1, 4, 7), (2, 5, 8), (0, 4, 8), (2, 4, 6))],
    np.uint64,
)  # fmt: skip


def dropped(shape: tuple[int, ...]) -> list[Symmetry]:
    """The two symmetries of a board into whose columns stones are dropped, whose moves are these columns. shape: (planes, rows,
    columns)"""
    fields, columns = np.arange(int(np.prod(shape))).reshape(shape), np.arange(shape[2])
    return [Symmetry(fields.ravel(), columns), Symmetry(fields[..., ::-1].ravel(), columns[::-1])]


def rectangle(shape: tuple[int, ...], actions: int) -> list[Symmetry]:
    """The symmetries of a board whose first actions are its fields, row by row; any others stay as they are: eight of a square,
    else four. shape: (planes, rows, columns)"""
    if shape[1] == shape[2]:
        return square(shape, actions)
    fields = np.arange(shape[1] * shape[2]).reshape(shape[1:])
    ways = (fields, fields[:, ::-1], fields[::-1], fields[::-1, ::-1])
    return [_of_fields(shape, actions, turned.ravel()) for turned in ways]


def _of_fields(shape: tuple[int, ...], actions: int, turned: np.ndarray) -> Symmetry:
    """turned: (fields,) where each stood before, alike in all planes."""
    observation = (np.arange(shape[0])[:, None] * turned.size + turned).ravel()
    return Symmetry(observation, np.concatenate([turned, np.arange(turned.size, actions)]))


def square(shape: tuple[int, ...], actions: int) -> list[Symmetry]:
    """The eight symmetries of a square board, whose first actions are its fields, row by row; any others stay as they are.

    shape: (planes, size, size)
    """
    fields = np.arange(shape[1] * shape[2]).reshape(shape[1:])
    found = []
    for mirrored in (fields, fields[:, ::-1]):
        for turns in range(4):
            found.append(_of_fields(shape, actions, np.rot90(mirrored, turns).ravel()))
    return found
