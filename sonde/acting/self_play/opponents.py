"""Whom a network plays against to be judged: from a player of random moves to a perfect one."""

import re
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from sonde.acting.self_play.games.open_spiel import game, library
from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.games.rules import replayed
from sonde.acting.self_play.search.search import heeding, searched
from sonde.acting.self_play.search.tree import Judge
from sonde.core.errors import ConfigError, nearest
from sonde.core.pace import LeftOff, never
from sonde.core.playing import SearchPlan
from sonde.core.seeds import derive

NAMES = ("random", "one-ply", "mcts-100", "minimax", "earlier")  # 100 stands for any number of rollouts
MCTS = re.compile(r"mcts-([1-9][0-9]{0,6})")
SMALL = 12  # moves of a game at most, for minimax over all of it
UCT = 2.0  # OpenSpiel's own default for random rollouts


class Opponent(Protocol):
    """Moves in games that it is handed, each with a number of its own.

    varies: whether games of other numbers differ. What takes long is handed `leave_off`, and raises LeftOff where that says True
    """

    varies: bool

    def move(self, numbers: Sequence[int], states: Sequence[Any]) -> list[int]: ...


def check_opponents(names: Sequence[str], game: str, longest: int) -> None:
    """Before anything is trained. game: its name;  longest: moves that it may last

    Raises: ConfigError for an opponent that is not there, with the nearest, and for one that cannot play this game
    """
    for name in names:
        if name == "minimax" and longest > SMALL:
            raise ConfigError(
                f"--opponents minimax looks at all of a game, {SMALL} moves at most, and {game} may last {longest}; leave it "
                "out, or give mcts-1000 for a strong opponent"
            )
        if name not in NAMES and Path(name).expanduser().is_dir():
            raise ConfigError(
                f"--opponents {name}: training has no other run as an opponent; sonde eval RUN --opponents {name} plays it "
                "afterwards"
            )
        if name not in NAMES and not MCTS.fullmatch(name):
            near = nearest(name, NAMES)
            raise ConfigError(
                f"--opponents {name}: no such opponent; {f'did you mean {near[0]}? ' if near else ''}there are random, one-ply, "
                "mcts-N (of N rollouts for a move), minimax and earlier, and for sonde eval folders of runs"
            )


def opponent(
    name: str,
    rows: GameRows,
    seed: int,
    earlier: "Judge | None",
    plan: SearchPlan,
    leave_off: Callable[[], bool] = never,
) -> Opponent | None:
    """An opponent that `check_opponents` let pass; None for an earlier self where there is none yet.

    seed: of the match; the chance of each opponent has streams of its own, so that two that choose alike play other games
    """
    seed = derive(seed, "sample", "opponent", name)
    if name == "earlier":
        return None if earlier is None else Searching(rows, earlier, plan, leave_off)
    if found := MCTS.fullmatch(name):
        return RolloutSearch(rows.name, int(found[1]), seed, leave_off)
    if name == "minimax":
        return OneByOne(minimax_of(rows.name).best, seed)
    return OneByOne(_winning, seed) if name == "one-ply" else random_player(seed)


def random_player(seed: int) -> "OneByOne":
    """Any legal move, by chance."""
    return OneByOne(_any, seed)


class OneByOne:
    """Chooses among moves of which each is as good as the other, by chance."""

    varies = True

    def __init__(self, moves: Callable[[Any], Sequence[int]], seed: int) -> None:
        self._moves, self._seed = moves, seed

    def move(self, numbers: Sequence[int], states: Sequence[Any]) -> list[int]:
        """One move each."""
        found = []
        for number, state in zip(numbers, states, strict=True):
            moves = self._moves(state)
            random = np.random.default_rng(derive(self._seed, "sample", "opponent", number, state.move_number()))
            found.append(int(moves[int(random.integers(len(moves)))]))
        return found


def _any(state: Any) -> Sequence[int]:
    return state.legal_actions()


def _winning(state: Any) -> Sequence[int]:
    """The moves that win at once; all where none does."""
    player, moves = state.current_player(), state.legal_actions()
    after = [state.child(move) for move in moves]
    wins = [move for move, then in zip(moves, after, strict=True) if then.is_terminal() and then.returns()[player] > 0]
    return wins or moves


class RolloutSearch:
    """OpenSpiel's Monte Carlo tree search: so many simulations for a move, each worth what a random game from there ends with."""

    varies = True

    def __init__(self, name: str, simulations: int, seed: int, leave_off: Callable[[], bool] = never) -> None:
        self._game, self._simulations, self._seed, self._leave_off = game(name), simulations, seed, leave_off

    def move(self, numbers: Sequence[int], states: Sequence[Any]) -> list[int]:
        """One move each, by a searcher of that game and move alone, so that none depends on the others."""
        pyspiel, found = library(), []
        for number, state in zip(numbers, states, strict=True):
            if self._leave_off():
                raise LeftOff
            seed = derive(self._seed, "sample", "opponent", number, state.move_number()) % 2**31
            evaluator = pyspiel.RandomRolloutEvaluator(1, seed)
            bot = pyspiel.MCTSBot(self._game, evaluator, UCT, self._simulations, 1000, True, seed, False)
            found.append(int(bot.step(state)))
        return found


class Minimax:
    """What positions of a small game are worth under perfect play, by looking at all that can come of them."""

    def __init__(self) -> None:
        self._worth: dict[tuple[str, int, int], float] = {}  # for player 0

    def best(self, state: Any) -> list[int]:
        """The moves after which the other side can do least."""
        moves, side = state.legal_actions(), _side(state)
        worth = [side * self.worth(state.child(move)) for move in moves]
        return [move for move, each in zip(moves, worth, strict=True) if each == max(worth)]

    def value(self, state: Any) -> float:
        """Under perfect play, for the side to move."""
        return _side(state) * self.worth(state)

    def worth(self, state: Any) -> float:
        """Under perfect play, for player 0. A side may move twice, as after a capture in dots and boxes."""
        # the board alone does not say who moves where sides do not take turns
        key = (state.observation_string(0), int(state.current_player()), int(state.move_number()))
        if key not in self._worth:
            if state.is_terminal():
                found = float(state.returns()[0])
            else:
                best = max if _side(state) == 1 else min
                found = best(self.worth(state.child(move)) for move in state.legal_actions())
            self._worth[key] = found
        return self._worth[key]


def _side(state: Any) -> int:
    """1 where player 0 moves, -1 where player 1 does."""
    return 1 if state.current_player() == 0 else -1


@cache
def minimax_of(name: str) -> Minimax:
    """The one of a game, which is looked through once: what it found is the same in each match."""
    return Minimax()


class Searching:
    """A network that searches as the judged one does."""

    varies = False

    def __init__(self, rows: GameRows, judge: Judge, plan: SearchPlan, leave_off: Callable[[], bool] = never) -> None:
        self._rules, self._plan = rows.rules, plan
        self._judge = heeding(judge, leave_off)

    def move(self, numbers: Sequence[int], states: Sequence[Any]) -> list[int]:
        """The best moves that the search finds."""
        positions = replayed(self._rules, [state.history() for state in states])
        return searched(self._rules, positions, self._judge, self._plan, random=None).action.tolist()
