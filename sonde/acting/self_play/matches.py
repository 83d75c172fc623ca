"""Evaluation of who plays games: matches against a ladder of opponents, by stated seeds, colours alternating."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from sonde.acting.self_play.games.open_spiel import begins, game
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.opponents import Opponent, Searching, opponent
from sonde.acting.self_play.search.search import judge_of
from sonde.core.batch import Batch
from sonde.core.playing import Playing
from sonde.core.seeds import derive

OPENING = 2  # random moves that a game begins with where neither side varies
TOGETHER = 20  # games against each opponent side by side, at most


class _Game(NamedTuple):
    """One of a match. number: of it, from 0"""

    opponent: str
    number: int

    @property
    def first(self) -> bool:
        """Whether the judged side begins."""
        return self.number % 2 == 0


class Matches:
    """One pass: batches with a row a game, each with as many games against every opponent.

    `score` (n,) 1 for a win, 0.5 for a draw, 0 for a loss; `length` (n,) moves; `first` (n,) whether it began; `opponent` a list.
    It plays the best move that it finds. Game 2k and 2k + 1 share a seed and, where neither side varies, two random moves that
    they begin with; the judged side begins the one, the opponent the other.
    """

    ends = True
    epoch = 0
    played = computes = True

    def __init__(
        self,
        rows: GameRows,
        playing: Playing,
        device: torch.device,
        *,
        judged: Opponent | None = None,
        together: int = TOGETHER,
        late: Callable[[], bool] = lambda: False,
    ) -> None:
        """judged: who plays, by default the network;  late: asked before each move: whether to end with whole games"""
        self._rows, self._playing, self._device = rows, playing, device
        self._judged, self._together, self._late = judged, together, late

    @property
    def batches(self) -> int:
        """Groups of games."""
        return -(-self._rows.number // self._together)

    def __iter__(self) -> Iterator[Batch]:
        plan, rows = self._playing.plan, self._rows
        own = self._judged or Searching(rows, judge_of(self._playing.judge, self._device), plan)
        before = self._playing.earlier()
        earlier = None if before is None else judge_of(before, self._device)
        others = {}
        for name in rows.opponents:
            if (found := opponent(name, rows, rows.seed, earlier, plan)) is not None:
                others[name] = found
        for first in range(0, rows.number if others else 0, self._together):
            numbers = range(first, min(first + self._together, rows.number))
            games = [_Game(name, number) for name in others for number in numbers]
            fields = self._played(games, own, others)
            if fields is None:
                return
            index = torch.tensor([rows.opponents.index(each.opponent) * rows.number + each.number for each in games])
            yield Batch({**fields, "opponent": [each.opponent for each in games]}, index)

    def _played(
        self, games: Sequence[_Game], own: Opponent, others: Mapping[str, Opponent]
    ) -> dict[str, torch.Tensor] | None:
        """All of some games, a move of each at a time; None where it got too late."""
        known = game(self._rows.name)
        states = [self._begun(known, each.number // 2, others[each.opponent]) for each in games]
        going, beginner = list(range(len(games))), begins(known)
        while going:
            if self._late():
                return None
            mine = [at for at in going if (states[at].current_player() == beginner) == games[at].first]
            turns = [(own, mine)]
            for name, other in others.items():
                turns.append((other, [at for at in going if at not in mine and games[at].opponent == name]))
            for side, those in turns:
                if those:
                    moves = side.move([games[at].number for at in those], [states[at] for at in those])
                    for at, move in zip(those, moves, strict=True):
                        states[at].apply_action(move)
            going = [at for at in going if not self._over(states[at])]
        first = np.array([each.first for each in games])
        returns = np.array([state.returns()[beginner] if state.is_terminal() else 0.0 for state in states])
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
        return known.new_initial_state() if other.varies else opened(known, self._rows.seed, pair)

    def describe(self, index: int) -> str:
        """Which game."""
        return self._rows.describe(index)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: each pass is the same."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to put back."""


def opened(known: Any, seed: int, pair: int) -> Any:
    """The position after the random moves that a pair of games begins with. known: the game of OpenSpiel's"""
    state = known.new_initial_state()
    random = np.random.default_rng(derive(seed, "sample", "opening", pair))
    for _ in range(OPENING):
        moves = state.legal_actions()
        state.apply_action(int(moves[random.integers(len(moves))]))
    return state
