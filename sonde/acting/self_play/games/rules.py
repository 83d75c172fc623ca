"""Rules of a game for two, over many positions at once."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np


class View(NamedTuple):
    """What n positions are.

    observation: (n, *shape) as the side to move sees it
    legal:  (n, actions) bool, moves that are allowed; none where the game is over
    mover:  (n,) int8, who is to move: 0, who began, or 1
    over:   (n,) bool
    result: (n,) float32 for who began: 1 won, 0 drawn, -1 lost; 0 where the game goes on
    """

    observation: np.ndarray
    legal: np.ndarray
    mover: np.ndarray
    over: np.ndarray
    result: np.ndarray


class Symmetry(NamedTuple):
    """A way in which a board can be turned or mirrored, and be the same game.

    observation: (values,) where each value of a turned observation, flattened, stood before
    actions:     (actions,) which move each move of the turned board was before
    """

    observation: np.ndarray
    actions: np.ndarray


OWN_VIEW = "as the side to move sees the board"


class Rules(Protocol):
    """A game. Positions are an array whose first axis goes over them: numbers, or states of OpenSpiel.

    name:    as `game:NAME` has it;  actions: moves that there are, by number;  shape: of an observation
    longest: moves after which a game is over at the latest
    shown:   in words, whose view observations are
    symmetries: the first changes nothing
    """

    @property
    def name(self) -> str: ...
    @property
    def actions(self) -> int: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def longest(self) -> int: ...
    @property
    def shown(self) -> str: ...
    @property
    def symmetries(self) -> Sequence[Symmetry]: ...
    def start(self, count: int) -> np.ndarray: ...  # the first position, so many times
    def step(self, positions: np.ndarray, actions: np.ndarray) -> np.ndarray: ...  # one legal move in each
    def view(self, positions: np.ndarray) -> View: ...


def replayed(rules: Rules, moves: Sequence[Sequence[int]]) -> np.ndarray:
    """The positions after each list of moves from the first."""
    positions = rules.start(len(moves))
    for ply in range(max(map(len, moves), default=0)):
        going = [number for number, each in enumerate(moves) if len(each) > ply]
        positions[going] = rules.step(positions[going], np.array([moves[number][ply] for number in going]))
    return positions


def unchanged(values: int, actions: int) -> Symmetry:
    """The symmetry that changes nothing."""
    return Symmetry(np.arange(values), np.arange(actions))
