"""Evaluation of who plays games: matches against a ladder of opponents, by stated seeds, colours alternating."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
import torch

from sonde.acting.self_play.games.open_spiel import begins, game
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.openings import openings
from sonde.acting.self_play.opponents import Opponent, Searching, opponent
from sonde.acting.self_play.search.search import check_seen, judge_of
from sonde.acting.self_play.usual_length import usual_length
from sonde.core.batch import Batch
from sonde.core.pace import LeftOff, never
from sonde.core.playing import Playing
from sonde.core.seeds import derive

TOGETHER = 20  # games against each opponent side by side, at most
FEWEST = 2  # of them, where there is little time: a pair
LOOK_SHARE, ROOM = (
    0.05,
    0.5,
)  # of the time of a pass, to find out how long a group takes, and that it may be expected to take
FEW = 4  # moves of each game, by which it is told how long a pass takes
FIRST_MOVE = 4  # times as long as it is to take to tell that, a first move may be waited for
FIRST = ", those that ended first: longer ones are missing"


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
    It plays the best move that it finds. Game 2k and 2k + 1 share a seed and, where neither side varies, random moves that they
    begin with, other ones than all other pairs: of a game that has too few of them there are fewer games. The judged side begins
    the one, the opponent the other.
    Where it leaves off, what is whole by then are the groups that were played; of the first, where it was in that one, the games
    that had ended. So that some do end, groups are smaller where a pass has too little time for one (`within_s`).
    """

    ends = True
    epoch = 0
    computes = True

    def __init__(
        self,
        rows: GameRows,
        playing: Playing,
        device: torch.device,
        *,
        judged: Opponent | None = None,
        together: int = TOGETHER,
    ) -> None:
        """judged: who plays, by default the network;  together: games against each opponent side by side

        Raises: DataError for a game that the network saw in another way
        """
        check_seen(rows.rules, playing)
        self._rows, self._playing, self._device = rows, playing, device
        self.leave_off: Callable[[], bool] = never
        self.within_s: float | None = None  # see `sonde.core.pace.Hurrying`
        self.which, self.so_far = "", (0, 0)  # see `sonde.core.pace.Played`
        self._judged, self._together = judged, together

    @property
    def batches(self) -> int:
        """Groups of games."""
        return -(-self._rows.number // self._together)

    def __iter__(self) -> Iterator[Batch]:
        self.which, rows = "", self._rows
        together = self._together_in_time()
        own, others = self._sides(self.leave_off)
        self.so_far = 0, sum(len(self._group(first, together, others)) for first in range(0, rows.number, together))
        for first in range(0, rows.number if others else 0, together):
            games = self._group(first, together, others)
            if not games:
                return
            fields, ended = self._played(games, own, others)
            kept = [number for number, over in enumerate(ended) if over]
            if len(kept) < len(games):
                if first or not kept:
                    return
                self.which = FIRST
            chosen = [games[number] for number in kept]
            index = torch.tensor([rows.opponents.index(each.opponent) * rows.number + each.number for each in chosen])
            opponents = [each.opponent for each in chosen]
            yield Batch({**{name: value[kept] for name, value in fields.items()}, "opponent": opponents}, index)
            if len(kept) < len(games):
                return

    def expected_s(self, at_most_s: float) -> float:
        """Seconds of a pass, by the first moves of the first group, as far as they go in that time."""
        begun = time.perf_counter()
        own, others = self._sides(
            lambda: time.perf_counter() - begun > (at_most_s if moved else FIRST_MOVE * at_most_s), expecting=True
        )
        moved, games = 0, self._group(0, self._together, others)
        if not games:
            return 0.0
        known = game(self._rows.name)
        states = [self._begun(known, each, others) for each in games]
        begun = time.perf_counter()
        try:
            while moved < FEW and not any(self._over(state) for state in states):
                self._move(games, states, range(len(games)), own, others, begins(known))
                moved += 1
        except LeftOff:
            moved += 1  # at least so long
        move_s = (time.perf_counter() - begun) / moved
        return self.batches * move_s * usual_length(self._rows.rules, self._rows.longest)

    def _together_in_time(self) -> int:
        """Games against each opponent side by side: fewer where a group of them would take too much of the time that there is."""
        most = min(self._together, self._rows.number)
        if self.within_s is None or most <= FEWEST:
            return self._together
        group_s = self.expected_s(LOOK_SHARE * self.within_s) / self.batches
        if group_s <= ROOM * self.within_s:
            return self._together
        return max(FEWEST, int(most * ROOM * self.within_s / group_s) // 2 * 2)

    def _group(self, first: int, together: int, others: Mapping[str, Opponent]) -> list[_Game]:
        """The games that are played side by side, from this number on; the same game is not played again."""
        numbers = range(first, min(first + together, self._rows.number))
        return [
            _Game(name, number)
            for name, other in others.items()
            for number in numbers
            if other.varies or number // 2 < len(openings(self._rows))
        ]

    def _sides(self, leave_off: Callable[[], bool], *, expecting: bool = False) -> tuple[Opponent, dict[str, Opponent]]:
        """The judged side, and the others by name.

        leave_off: asked by each while it thinks, see `Opponent`
        expecting: whether an earlier self that is not there yet is played all the same, by the network as it is
        """
        plan, rows = self._playing.plan, self._rows
        own = self._judged or Searching(rows, judge_of(self._playing.judge, self._device), plan, leave_off)
        before = self._playing.earlier()
        if before is None and expecting:
            before = self._playing.judge
        earlier = None if before is None else judge_of(before, self._device)
        others = {}
        for name in rows.opponents:
            if (found := opponent(name, rows, rows.seed, earlier, plan, leave_off)) is not None:
                others[name] = found
        return own, others

    def _played(
        self, games: Sequence[_Game], own: Opponent, others: Mapping[str, Opponent]
    ) -> tuple[dict[str, torch.Tensor], list[bool]]:
        """Some games, a move of each at a time; and which of them are over."""
        known = game(self._rows.name)
        states = [self._begun(known, each, others) for each in games]
        going, beginner = list(range(len(games))), begins(known)
        with suppress(LeftOff):  # in the middle of a move: what is over then is whole
            while going and not self.leave_off():
                self._move(games, states, going, own, others, beginner)
                still = [at for at in going if not self._over(states[at])]
                over, of = self.so_far
                going, self.so_far = still, (over + len(going) - len(still), of)
        first = np.array([each.first for each in games])
        returns = np.array([state.returns()[beginner] if state.is_terminal() else 0.0 for state in states])
        score = (np.sign(np.where(first, returns, -returns)) + 1) / 2
        fields = {
            "score": torch.from_numpy(score),
            "length": torch.tensor([state.move_number() for state in states]).double(),
            "first": torch.from_numpy(first),
        }
        return fields, [self._over(state) for state in states]

    def _move(
        self,
        games: Sequence[_Game],
        states: Sequence[Any],
        going: Sequence[int],
        own: Opponent,
        others: Mapping[str, Opponent],
        beginner: int,
    ) -> None:
        """A move in each of the games that go on. beginner: number of the player who begins. Raises: LeftOff"""
        mine = [at for at in going if (states[at].current_player() == beginner) == games[at].first]
        turns = [(own, mine, [self._own_number(games[at]) for at in mine])]
        for name, other in others.items():
            its = [at for at in going if at not in mine and games[at].opponent == name]
            turns.append((other, its, [games[at].number for at in its]))
        for side, those, numbers in turns:
            if those:
                moves = side.move(numbers, [states[at] for at in those])
                for at, move in zip(those, moves, strict=True):
                    states[at].apply_action(move)

    def _own_number(self, game: _Game) -> int:
        """By which the judged side tells a game from all others, so that what it draws is not the same against each opponent."""
        return derive(self._rows.seed, "sample", "judged", game.opponent, game.number)

    def _over(self, state: Any) -> bool:
        return state.is_terminal() or state.move_number() >= self._rows.longest

    def _begun(self, known: Any, one: _Game, others: Mapping[str, Opponent]) -> Any:
        """A first position; with random moves where the same game would be played again and again."""
        state = known.new_initial_state()
        if not others[one.opponent].varies:
            for move in openings(self._rows)[one.number // 2]:
                state.apply_action(move)
        return state

    def describe(self, index: int) -> str:
        """Which game."""
        return self._rows.describe(index)

    def state_dict(self) -> dict[str, Any]:
        """Nothing: each pass is the same."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to put back."""
