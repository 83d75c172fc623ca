"""Evaluation of who plays games: matches against a ladder of opponents, by stated seeds, colours alternating."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch

from sonde.acting.self_play.games.open_spiel import begins, game
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.openings import openings
from sonde.acting.self_play.opponents import Opponent, Searching, opponent
from sonde.acting.self_play.search.search import check_seen, judge_of
from sonde.acting.self_play.usual_length import usual_length
from sonde.acting.self_play.waves import FEWEST, Waves
from sonde.core.batch import Batch
from sonde.core.pace import LeftOff, never
from sonde.core.playing import Playing
from sonde.core.seeds import derive

TOGETHER = 20  # games against each opponent side by side, at most
LOOK_SHARE = 0.05  # of the time of a pass, to find out how long a group takes
FEW = 4  # moves of each game, by which it is told how long a pass takes
FIRST_MOVE = 4  # times as long as it is to take to tell that, a first move may be waited for
WHICH = ", the first of each match"  # where not all were played


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
    Where it leaves off, what is whole by then are the groups that were played. Nothing is told of one in which it was: games that
    ended first are no fair part of it. So that some groups end where there is little time (`within_s`), they are as small as it
    takes (`Waves`), and none is begun that is not expected to end.
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
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        """judged: who plays, by default the network;  together: games against each opponent side by side, at most

        Raises: DataError for a game that the network saw in another way
        """
        for each in (playing, *playing.others.values()):
            check_seen(rows.rules, each)
        self._rows, self._playing, self._device = rows, playing, device
        self.leave_off: Callable[[], bool] = never
        self.within_s: float | None = None  # see `sonde.core.pace.Hurrying`
        self.which, self.so_far = "", (0, 0)  # see `sonde.core.pace.Played`
        self._judged, self._together = judged, together
        self._waves, self._now = Waves(), now

    @property
    def batches(self) -> int:
        """Groups of games."""
        return -(-self._rows.number // self._together)

    def __iter__(self) -> Iterator[Batch]:
        begun, most = self._now(), min(self._together, self._rows.number)
        if self.within_s is not None and not self._waves.known and most > FEWEST:
            self.expected_s(LOOK_SHARE * self.within_s)
        own, others = self._sides(self.leave_off)
        of = len(self._group(0, self._rows.number, others))
        self.which, self.so_far = "", (0, of)
        together = most if self.within_s is None else self._waves.begin(most, begun + self.within_s - self._now())
        first = done = 0
        while done < of:
            self.which, self.so_far = WHICH if first else "", (done, of)
            if not together or (batch := self._wave(first, together, own, others)) is None:
                return
            yield batch
            first, done = first + together, done + len(batch)
            together = min(self._together, self._rows.number - first)
            if self.within_s is not None and together:
                together = self._waves.go_on(together, begun + self.within_s - self._now())
        self.which = ""

    def _wave(self, first: int, together: int, own: Opponent, others: Mapping[str, Opponent]) -> Batch | None:
        """So many games against each opponent, from this number on; None where not all of them end."""
        begun, games = self._now(), self._group(first, together, others)
        fields, ended = self._played(games, own, others)
        self._waves.took(together, self._now() - begun)
        if not ended:
            return None
        rows = self._rows
        index = torch.tensor([rows.opponents.index(each.opponent) * rows.number + each.number for each in games])
        return Batch({**fields, "opponent": [each.opponent for each in games]}, index)

    def expected_s(self, at_most_s: float) -> float:
        """Seconds of a pass, by the first moves of the first group, as far as they go in that time."""
        group_s = self._expected_s(self._together, at_most_s)
        self._waves.expected(min(self._together, self._rows.number), group_s)
        return self.batches * group_s

    def least_s(self, at_most_s: float) -> float:
        """The same of the smallest group, without which nothing is told."""
        least_s = self._expected_s(FEWEST, at_most_s)
        self._waves.expected(min(FEWEST, self._rows.number), least_s)
        return least_s

    def paced_as(self, other: "Matches") -> None:
        """Learn how long waves take from those of other matches too, with as many games side by side."""
        self._waves = other._waves

    def _expected_s(self, together: int, at_most_s: float) -> float:
        begun = self._now()
        own, others = self._sides(
            lambda: self._now() - begun > (at_most_s if moved else FIRST_MOVE * at_most_s), expecting=True
        )
        moved, games = 0, self._group(0, together, others)
        if not games:
            return 0.0
        known = game(self._rows.name)
        states = [self._begun(known, each, others) for each in games]
        begun = self._now()
        try:
            while moved < FEW and not any(self._over(state) for state in states):
                self._move(games, states, range(len(games)), own, others, begins(known))
                moved += 1
        except LeftOff:
            moved += 1  # at least so long
        move_s = (self._now() - begun) / max(1, moved)
        return move_s * usual_length(self._rows.rules, self._rows.longest)

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
        others: dict[str, Opponent] = {}
        for name in rows.opponents:
            if (run := self._playing.others.get(name)) is not None:
                as_much = replace(run.plan, simulations=plan.simulations)
                others[name] = Searching(rows, judge_of(run.judge, self._device), as_much, leave_off)
            elif (found := opponent(name, rows, rows.seed, earlier, plan, leave_off)) is not None:
                others[name] = found
        return own, others

    def _played(
        self, games: Sequence[_Game], own: Opponent, others: Mapping[str, Opponent]
    ) -> tuple[dict[str, torch.Tensor], bool]:
        """Some games, a move of each at a time; and whether all of them are over."""
        known = game(self._rows.name)
        states = [self._begun(known, each, others) for each in games]
        going, beginner = list(range(len(games))), begins(known)
        with suppress(LeftOff):  # in the middle of a move
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
        return fields, not going

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
