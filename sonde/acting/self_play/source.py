"""Experience of games that a network plays against itself: search each move, learn what searches and the games' ends say."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from sonde.acting.config import EnvironmentConfig
from sonde.acting.room import Part, observation_bytes, written_at_most
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.games.rules import Rules, replayed
from sonde.acting.self_play.matches import TOGETHER
from sonde.acting.self_play.search.search import heeding, judge_of, searched
from sonde.acting.self_play.search.tree import Found
from sonde.acting.self_play.usual_length import usual_length
from sonde.acting.self_play.window import Window
from sonde.core.batch import Batch
from sonde.core.config import TrainConfig
from sonde.core.dataset import Rows, Schema
from sonde.core.errors import ConfigError
from sonde.core.pace import Pace, never
from sonde.core.playing import Playing
from sonde.core.seams import Source, Task, abilities_of
from sonde.core.seeds import derive
from sonde.core.units import counted

OBSERVED = "float16"  # of positions that OpenSpiel shows; those of bitboards are smaller
LEARNED, EDGE = 5, 20  # bytes for a move of a position that is learned from, and of one in a tree
FEWEST = 2  # simulations of a move that compare any
USUALLY_RANDOM = (
    4  # random moves at most, that a run chooses by itself: of a game that is shorter still, all but the last
)
PREVIEWED = 2  # leaves of a search, by which it is told how long others take

FIRST = 2  # positions for each game side by side, of up to a batch, before the first update

LATELY = 1_000  # games whose first moves are kept


@dataclass(frozen=True, kw_only=True)
class SelfPlayPlan:
    """How much is played, and how often it is learned from.

    games:  side by side;  longest: moves after which a game is a draw
    quick:  simulations of a move that is only played, not learned from;  full: share of moves that are learned from
    random_moves: that a game begins with at most; how many is drawn
    drawn_moves: of a game, that PUCT draws by their visits
    window: positions that are kept;  reuse: times that each is learned from, on average;  batch: positions of an update
    """

    games: int
    longest: int
    quick: int
    full: float
    drawn_moves: int
    random_moves: int
    window: int
    reuse: float
    batch: int
    symmetries: bool


class SelfPlay:
    """Batches without end of `observation`, `legal`, `policy` and `value`: what the search made of moves, and how the game ended.

    All games move at once. A search begins anew at each move, and its random streams are named by the number of the move, so the
    state is the games that go on, by their moves, the positions of them that are to be learned from, and the window.
    """

    ends = False
    computes = True
    batches = None
    epoch = 0

    def __init__(self, rules: Rules, playing: Playing, plan: SelfPlayPlan, *, seed: int, device: torch.device) -> None:
        self._rules, self._playing, self._plan = rules, playing, plan
        self.leave_off: Callable[[], bool] = never
        # a search begins anew at each move, so one is given up anywhere
        self._judge = heeding(judge_of(playing.judge, device), lambda: self.leave_off(), self._so_far)
        self._seed, self._device = seed, device
        self._symmetries = rules.symmetries
        self._window = Window(plan.window)
        self._positions = rules.start(plan.games)
        self._moves: list[list[int]] = [[] for _ in range(plan.games)]
        self._pending: list[list[dict[str, np.ndarray]]] = [[] for _ in range(plan.games)]
        self._given = [0] * plan.games  # random moves that each game began with
        self._openings: deque[tuple[int, int, int]] = deque(maxlen=LATELY)
        self._begun = False
        self._ply = 0  # moves of each game so far, of one after the other
        self._drawn = 0  # batches
        self._made = 0  # moves of each game since this object was made
        self._games, self._results, self._length = 0, np.zeros(3, np.int64), 0  # results: first won, drawn, second won
        self._usual = 0.0  # moves of a random game, once that was looked at
        self.seconds = {"self_play": 0.0}

    @property
    def said(self) -> str:
        """For the plan: that a search of so few leaves compares nothing; "" of others."""
        few = self._playing.plan.simulations < FEWEST
        return (
            "1 simulation a move (--simulations) compares no moves: what it learns from is hardly better than the network"
            if few
            else ""
        )

    @property
    def figures(self) -> dict[str, float]:
        """For the log: games that ended, moves of all, positions learned from, and how games end."""
        moves = self._ply * self._plan.games
        found: dict[str, float] = {"games": self._games, "moves": moves, "positions": self._window.written}
        if self._games:
            found |= {"game_length": self._length / self._games}
            shares = self._results / self._games
            found |= {"first_wins": float(shares[0]), "draws": float(shares[1])}
        return found

    @property
    def openings(self) -> list[tuple[int, int, int]]:
        """(first move, second or -1, result for who began: 1, 0 or -1) of the latest games that began without random moves."""
        return list(self._openings)

    def __iter__(self) -> Iterator[Batch]:
        """Raises: LeftOff, see `sonde.core.pace`"""
        plan = self._plan
        while True:
            while self._missing:
                self._move()
            random = np.random.default_rng(derive(self._seed, "shuffle", self._drawn))
            places = random.integers(0, self._window.filled, plan.batch)
            rows = self._window.read(places)
            if plan.symmetries:
                rows = self._turned(rows, random)
            self._drawn += 1
            index = torch.from_numpy(self._window.written - self._window.filled + places)
            yield Batch({name: torch.from_numpy(value).to(self._device) for name, value in rows.items()}, index)

    @property
    def _missing(self) -> float:
        """Positions of games that ended which are still to come for the next batch."""
        plan, window = self._plan, self._window
        first = min(plan.batch, FIRST * plan.games)  # few games are played so that a short run learns: it begins sooner
        wanted = max((self._drawn + 1) * plan.batch / plan.reuse, window.written + first - window.filled)
        return max(0.0, wanted - window.written)

    def _so_far(self) -> str:
        games, moves = counted(self._games, "game", "games"), counted(self._ply, "move", "moves")
        return f"{games} of self-play had ended, of {self._plan.games} side by side, after {moves} of each"

    def pace(self) -> Pace:
        """By the moves so far, and the games that ended."""
        move_s = self.seconds["self_play"] / self._made if self._made else 0.0
        return self._pace(move_s, self._length / self._games if self._games else 0.0, self._plan.games)

    def _pace(self, move_s: float, length: float, games: int) -> Pace:
        """move_s: seconds for a move of each game;  length: moves of a game;  games: side by side"""
        plan = self._plan
        each = games * plan.full  # positions that a move of each game comes to, on average
        burst_s = move_s * plan.batch / plan.reuse / each
        if self._games:
            return Pace(burst_s=burst_s, first_s=burst_s if self._missing else 0.0)
        moves = max(length - self._ply, self._missing / each)  # all games began together, and end about together
        return Pace(burst_s=burst_s, first_s=move_s * moves)

    def preview(self) -> tuple[Batch, Pace]:
        """A batch of first positions, whose moves are alike; a pace by a search of a few leaves, and games of random moves."""
        plan, rules = self._plan, self._rules
        view = rules.view(rules.start(1))
        legal = view.legal[0]
        row = {"observation": view.observation[0], "legal": legal, "policy": (legal / legal.sum()).astype(np.float32)}
        row["value"] = np.zeros((), np.float32)
        fields = {name: torch.from_numpy(np.stack([value] * plan.batch)) for name, value in row.items()}
        batch = Batch({name: value.to(self._device) for name, value in fields.items()}, torch.arange(plan.batch))
        return batch, self.pace_of(plan.games)

    def pace_of(self, together: int, at_least_s: float = 0.0) -> Pace:
        """See `sonde.core.pace.Several`: by a search of a few leaves, and games of random moves."""
        plan, rules = self._plan, self._rules
        start, times = rules.start(together), []
        while len(times) < 2 or sum(times[1:]) * (PREVIEWED + 1) < at_least_s:
            begun, few = time.perf_counter(), replace(self._playing.plan, simulations=PREVIEWED)
            searched(rules, start, self._judge, few, random=np.random.default_rng(0))
            times.append((time.perf_counter() - begun) / (PREVIEWED + 1))
        leaves = 1 + plan.full * self._playing.plan.simulations + (1 - plan.full) * plan.quick
        self._usual = self._usual or usual_length(rules, plan.longest)
        leaf_s = sum(times[1:]) / len(times[1:]) if at_least_s else min(times)
        return self._pace(leaf_s * leaves, self._usual, together)

    def describe(self, index: int) -> str:
        """Which position it is."""
        return f"position {index:,} of self-play"

    def _turned(self, rows: dict[str, np.ndarray], random: np.random.Generator) -> dict[str, np.ndarray]:
        """Rows, each turned or mirrored by a symmetry of the game that is drawn."""
        known = self._symmetries
        chosen = random.integers(0, len(known), len(rows["value"]))
        found = {name: values.copy() for name, values in rows.items()}
        for number, symmetry in enumerate(known[1:], 1):
            here = np.flatnonzero(chosen == number)
            seen = rows["observation"][here]
            found["observation"][here] = seen.reshape(len(here), symmetry.observation.size)[
                :, symmetry.observation
            ].reshape(seen.shape)
            for name in ("legal", "policy"):
                found[name][here] = rows[name][here][:, symmetry.actions]
        return found

    def _move(self) -> None:
        """One move in every game."""
        begun = time.perf_counter()
        plan, rules = self._plan, self._rules
        if not self._begun:
            self._begin(range(plan.games))
            self._begun = True
        random = np.random.default_rng(derive(self._seed, "sample", "self-play", self._ply))
        full = bool(random.random() < plan.full)
        search = self._playing.plan if full else replace(self._playing.plan, simulations=plan.quick)
        early = np.array([len(moves) < plan.drawn_moves for moves in self._moves])
        view = rules.view(self._positions)
        found = searched(rules, self._positions, self._judge, search, random=random, drawn=early)
        if full:
            for number, pending in enumerate(self._pending):
                pending.append(_row(view, found, number))
        self._positions = rules.step(self._positions, found.action)
        for moves, action in zip(self._moves, found.action.tolist(), strict=True):
            moves.append(action)
        self._ply += 1
        after = rules.view(self._positions)
        cut = np.array([len(moves) >= plan.longest for moves in self._moves])
        for number in np.flatnonzero(after.over | cut).tolist():
            self._end(number, float(after.result[number]))
        self._made += 1
        self.seconds["self_play"] += time.perf_counter() - begun

    def _end(self, number: int, result: float) -> None:
        """Keep what is to be learned from a game, and begin another. result: for who began"""
        pending = self._pending[number]
        if pending:
            rows = {name: np.stack([row[name] for row in pending]) for name in pending[0]}
            mover = rows.pop("mover")
            rows["value"] = np.where(mover == 0, result, -result).astype(np.float32)
            self._window.add(rows)
        self._games += 1
        self._length += len(self._moves[number])
        self._results[0 if result > 0 else 1 if result == 0 else 2] += 1
        if self._given[number] == 0:
            first, second = (*self._moves[number], -1)[:2]
            self._openings.append((first, second, int(np.sign(result))))
        self._pending[number] = []
        self._begin([number])

    def _begin(self, numbers: Sequence[int]) -> None:
        """Begin games, with some random moves where that is asked: fewer than would end the game."""
        for number in numbers:
            position, moves = self._rules.start(1), []
            random = np.random.default_rng(derive(self._seed, "sample", "opening", self._ply, number))
            for _ in range(random.integers(0, self._plan.random_moves + 1)):
                move = int(random.choice(np.flatnonzero(self._rules.view(position).legal[0])))
                after = self._rules.step(position, np.array([move]))
                if self._rules.view(after).over[0]:
                    break
                position = after
                moves.append(move)
            self._positions[number], self._moves[number], self._given[number] = position[0], moves, len(moves)

    def state_dict(self) -> dict[str, Any]:
        """All that is kept, and where the games are."""
        pending = [row for rows in self._pending for row in rows]
        return {
            "ply": self._ply,
            "drawn": self._drawn,
            "games": self._games,
            "length": self._length,
            "results": torch.from_numpy(self._results.copy()),
            "window": self._window.state_dict(),
            "lengths": torch.tensor([len(moves) for moves in self._moves]),
            "moves": torch.tensor([move for moves in self._moves for move in moves], dtype=torch.int64),
            "given": torch.tensor(self._given),
            "openings": torch.tensor(self._openings, dtype=torch.int64).reshape(-1, 3),
            "held": torch.tensor([len(rows) for rows in self._pending]),
            "pending": {name: torch.from_numpy(np.stack([row[name] for row in pending])) for name in pending[0]}
            if pending
            else {},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self._ply, self._drawn = int(state["ply"]), int(state["drawn"])
        self._games, self._length = int(state["games"]), int(state["length"])
        self._results = state["results"].clone().numpy()
        self._window.load_state_dict(state["window"])
        self._moves = [part.tolist() for part in state["moves"].split(state["lengths"].tolist())]
        self._given = state["given"].tolist() if "given" in state else [1] * len(self._moves)  # older states: not known
        found = state["openings"].tolist() if "openings" in state else []
        self._openings = deque(map(tuple, found), maxlen=LATELY)
        self._positions, self._begun = replayed(self._rules, self._moves), self._ply > 0
        fields = {name: values.numpy() for name, values in state["pending"].items()}
        ends = np.cumsum(state["held"].numpy())
        self._pending = [
            [{name: values[row] for name, values in fields.items()} for row in range(end - held, end)]
            for end, held in zip(ends.tolist(), state["held"].tolist(), strict=True)
        ]


def _row(view: Any, found: Found, number: int) -> dict[str, np.ndarray]:
    return {
        "observation": view.observation[number],
        "legal": view.legal[number],
        "policy": found.policy[number].astype(np.float32),
        "mover": np.asarray(view.mover[number]),
    }


def playing_of(task: Task) -> Playing:
    """How a task plays."""
    found = abilities_of(task).playing
    assert found is not None
    return found


def source(splits: Mapping[str, Rows], task: Task, config: TrainConfig, device: torch.device) -> Source:
    """Games of the task's network against itself. Raises: ConfigError for a window smaller than a batch, or as many random moves
    as a game has"""
    rows, settings = splits["train"], config.task_config
    assert isinstance(rows, GameRows)
    if settings.window < config.feed.batch_size:
        raise ConfigError(
            f"--window {settings.window} holds fewer positions than --batch-size {config.feed.batch_size}; give at least as many"
        )
    if settings.random_moves > max(rows.longest - 1, USUALLY_RANDOM):
        raise ConfigError(
            f"--random-moves {settings.random_moves} leaves none to learn of a game that has {rows.longest:,} moves at most; "
            f"give fewer than {rows.longest:,}, such as {min(USUALLY_RANDOM, rows.longest - 1)}"
        )
    plan = SelfPlayPlan(
        games=config.data.of(EnvironmentConfig).environments,
        longest=rows.longest,
        quick=settings.quick,
        full=settings.full_share,
        drawn_moves=settings.drawn_moves,
        random_moves=settings.random_moves,
        window=settings.window,
        reuse=settings.position_reuse,
        batch=config.feed.batch_size,
        symmetries=settings.symmetries,
    )
    return SelfPlay(rows.rules, playing_of(task), plan, seed=config.machine.seed, device=device)


def room(schema: Schema, splits: Mapping[str, Rows], config: TrainConfig) -> list[Part]:
    """What positions, trees and games that go on take of memory."""
    rows, settings = splits["train"], config.task_config
    assert isinstance(rows, GameRows)
    games, actions = config.data.of(EnvironmentConfig).environments, rows.rules.actions
    row = observation_bytes(rows.rules.shape, OBSERVED) + actions * LEARNED
    batch = config.feed.batch_size
    written = written_at_most(config, batch / settings.position_reuse, games * rows.longest)
    window = int(min(settings.window, written))
    pending = int(games * rows.longest * settings.full_share)
    evaluated = TOGETHER * max(1, len(rows.opponents))  # games, half of which this side moves in at a time
    searched = max(games, evaluated)
    trees = searched * (settings.simulations + 1) * actions * EDGE
    return [
        Part(
            what=f"{window:,} positions (--window {settings.window}) and a checkpoint of them",
            nbytes=2 * window * row,
            setting="window" if window == settings.window else "",
            number=window,
            least=batch,
        ),
        Part(what=f"{games} games that go on", nbytes=pending * row, setting="environments", number=games),
        Part(
            what=f"trees of {searched} searches (--simulations {settings.simulations})",
            nbytes=trees,
            setting="simulations",
            number=settings.simulations,
            least=settings.quick_simulations or 1,
        ),
    ]
