"""Evaluation of who plays games: matches against a ladder of opponents, by stated seeds, colours alternating."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from sonde.acting.games.open_spiel import game
from sonde.acting.games.rows import GameRows
from sonde.acting.opponents import Opponent, Searching, opponent
from sonde.acting.search.search import judge_of
from sonde.core.batch import Batch
from sonde.core.playing import Playing
from sonde.core.seeds import derive

OPENING = 2  # random moves that a game begins with where neither side varies


class Matches:
    """One pass: a batch for each opponent, a row a game.

    `score` (n,) 1 for a win, 0.5 for a draw, 0 for a loss; `length` (n,) moves; `first` (n,) whether it began; `opponent` a list.
    It plays the best move that it finds. Game 2k and 2k + 1 share a seed and, where neither side varies, two random moves that
    they begin with; the judged side begins the one, the opponent the other.
    """

    ends = True
    epoch = 0

    def __init__(self, rows: GameRows, playing: Playing, device: torch.device) -> None:
        self._rows, self._playing, self._device = rows, playing, device

    @property
    def batches(self) -> int:
        """One for each opponent."""
        return len(self._rows.opponents)

    def __iter__(self) -> Iterator[Batch]:
        plan, rows = self._playing.plan, self._rows
        own = Searching(rows, judge_of(self._playing.judge, self._device), plan)
        before = self._playing.earlier()
        earlier = None if before is None else judge_of(before, self._device)
        for place, name in enumerate(rows.opponents):
            other = opponent(name, rows, rows.first_seed, earlier, plan)
            if other is None:
                continue
            fields = self._played(own, other)
            index = torch.arange(rows.number) + place * rows.number
            yield Batch({**fields, "opponent": [name] * rows.number}, index)

    def _played(self, own: Opponent, other: Opponent) -> dict[str, torch.Tensor]:
        """All games against an opponent, a move of each at a time."""
        known, count = game(self._rows.name), self._rows.number
        states = [self._begun(known, number // 2, other) for number in range(count)]
        first = np.arange(count) % 2 == 0
        going = list(range(count))
        while going:
            mine = [number for number in going if (states[number].current_player() == 0) == first[number]]
            for side, numbers in ((own, mine), (other, [number for number in going if number not in mine])):
                if numbers:
                    for number, move in zip(numbers, side.move(numbers, [states[n] for n in numbers]), strict=True):
                        states[number].apply_action(move)
            going = [number for number in going if not self._over(states[number])]
        returns = np.array([state.returns()[0] if state.is_terminal() else 0.0 for state in states])
        score = (np.sign(np.where(first, returns, -returns)) + 1) / 2
        return {
            "score": torch.from_numpy(score),
            "length": torch.tensor([state.move_number() for state in states]).double(),
            "first": torch.from_numpy(first),
        }

    def _over(self, state: Any) -> bool:
        return state.is_terminal() or state.move_number() >= self._rows.longest

    def _begun(self, known: Any, pair: int, other: Opponent) -> Any:
        """A first position; with random moves where the same game would be played again and again."""
        state = known.new_initial_state()
        random = np.random.default_rng(derive(self._rows.first_seed, "sample", "opening", pair))
        for _ in range(0 if other.varies else OPENING):
            moves = state.legal_actions()
            state.apply_action(int(moves[random.integers(len(moves))]))
        return state

    def describe(self, index: int) -> str:
        """Which game."""
        return self._rows.describe(index)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: each pass is the same."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to put back."""
