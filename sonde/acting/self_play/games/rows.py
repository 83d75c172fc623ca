"""Rows of a game: the matches that are played."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from sonde.acting.self_play.games.open_spiel import rules_of
from sonde.acting.self_play.games.rules import Rules


@dataclass(frozen=True)
class GameRows:
    """The games of a split: as many against each opponent; of training without end.

    name:    as `game:NAME` has it;  seed: of the first pair of games;  number: games against each opponent
    longest: moves after which a game is a draw;  opponents: see `sonde.acting.self_play.opponents`
    """

    name: str
    seed: int
    number: int
    longest: int
    opponents: tuple[str, ...]

    @cached_property
    def rules(self) -> Rules:
        """Of the game."""
        return rules_of(self.name)

    def __len__(self) -> int:
        return self.number * max(1, len(self.opponents))

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in self.__dict__.items() if name != "rules"}

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        """{"game": (n,) int64}."""
        return {"game": indices}

    def describe(self, index: int) -> str:
        """Which game it is."""
        return f"game {index % self.number + 1} against {self.opponents[index // self.number]}"

    def nbytes(self) -> int:
        """None are stored."""
        return 0
