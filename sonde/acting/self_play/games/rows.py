"""Rows of a game: the matches that are played."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from sonde.acting.self_play.games.open_spiel import rules_of
from sonde.acting.self_play.games.rules import Rules


@dataclass(frozen=True)
class GameRows:
    """The games of a split: as many against each opponent; of training without end.

    name:    as `game:NAME` has it;  seed: of the first pair of games;  number: games against each opponent
    longest: moves after which a game is a draw;  opponents: see `sonde.acting.self_play.opponents`
    runs:    (name, folder) of those opponents that are other runs
    """

    name: str
    seed: int
    number: int
    longest: int
    opponents: tuple[str, ...]
    runs: tuple[tuple[str, Path], ...] = ()

    @cached_property
    def rules(self) -> Rules:
        """Of the game."""
        return rules_of(self.name)

    @property
    def steady(self) -> frozenset[str]:
        """Opponents that play the same game again from the same opening."""
        return frozenset({"earlier", *dict(self.runs)})

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
