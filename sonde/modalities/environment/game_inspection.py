"""What `sonde inspect` says of a game for two: how random games of it go, and what a search of it takes by the rules alone."""

import statistics
import time
from dataclasses import dataclass, field

import numpy as np

from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.search.search import searched
from sonde.core.dataset import Fact
from sonde.core.playing import SearchPlan
from sonde.core.progress import Tick
from sonde.core.units import count, counted, number, share
from sonde.modalities.inspect import Played
from sonde.tasks.table import specs

MOST_S, GAMES = 4.0, 200  # seconds of random games, and how many at most
TOGETHER = 16  # games that are searched side by side
SEARCH_SHARE = 0.5  # of the seconds, in which a search has to be over for more to be tried
FEW = 4  # simulations by which it is told how long others take


@dataclass
class _Games:
    """What random games were like. results: who began won, nobody did, who began lost;  cut: without an end"""

    lengths: list[int] = field(default_factory=list)
    legal: list[int] = field(default_factory=list)
    results: list[int] = field(default_factory=lambda: [0, 0, 0])
    cut: int = 0


def played_at_random(rows: GameRows, seconds: float, tick: Tick) -> Played:
    """Facts of some random games, and of a search of the game's first position; of at most `seconds`, and a few at that."""
    seconds = min(seconds, MOST_S)
    tick("playing random games", 0, 2)
    games = _random_games(rows, seconds)
    tick("searching", 1, 2)
    facts = _facts(games, rows.longest)
    if (searching := _search(rows, seconds)) is not None:
        facts.append(searching)
    tick("searching", 2, 2)
    return Played(facts=facts, findings=[], tables=[])


def _random_games(rows: GameRows, seconds: float) -> _Games:
    """Games of random moves; the one that time cuts off does not count."""
    found, rules, until = _Games(), rows.rules, time.perf_counter() + seconds
    random = np.random.default_rng(0)
    while len(found.lengths) < GAMES and time.perf_counter() < until:
        position, legal = rules.start(1), list[int]()
        view = rules.view(position)
        while not view.over[0] and len(legal) < rows.longest and time.perf_counter() < until:
            moves = np.flatnonzero(view.legal[0])
            legal.append(len(moves))
            position = rules.step(position, random.choice(moves, 1))
            view = rules.view(position)
        found.legal += legal
        if not view.over[0] and len(legal) < rows.longest:
            break
        found.lengths.append(len(legal))
        found.cut += not view.over[0]
        result = float(view.result[0])
        found.results[0 if result > 0 else 1 if result == 0 else 2] += 1
    return found


def _facts(games: _Games, longest: int) -> list[Fact]:
    facts = []
    if games.legal:
        of = f"in {count(len(games.legal))} positions of random games, {min(games.legal)} to {max(games.legal)}"
        facts.append(Fact(f"{number(statistics.fmean(games.legal))} legal moves in a position", of))
    if not games.lengths:
        facts.append(Fact("no random game ended in the time there was", "--play-seconds for more"))
        return facts
    least, most, many = min(games.lengths), max(games.lengths), len(games.lengths)
    what = f"games of {least:,} to {most:,} moves, {statistics.median(games.lengths):g} in the median"
    cut = f", {games.cut} of them cut off after {longest:,}: draws" if games.cut else ""
    facts.append(Fact(what, f"{counted(many, 'random game', 'random games')}{cut}"))
    won, drawn, lost = (share(each / many, 0) for each in games.results)
    facts.append(
        Fact(f"who begins won {won}, drew {drawn} and lost {lost}", "of these games, by random moves on both sides")
    )
    return facts


def _search(rows: GameRows, seconds: float) -> Fact | None:
    """What the default search takes for a move of each of some games, without a network; None where no task searches games."""
    settings = next((each.config() for each in specs() if "move" in each.targets), None)
    if settings is None:
        return None
    rules = rows.rules
    plan = SearchPlan(kind=settings.search, simulations=settings.simulations, considered=settings.considered)
    positions = rules.start(TOGETHER)

    def evenly(seen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((len(seen), rules.actions), np.float32), np.zeros(len(seen), np.float32)

    def taken(simulations: int) -> float:
        begun = time.perf_counter()
        few = SearchPlan(kind=plan.kind, simulations=simulations, considered=plan.considered)
        searched(rules, positions, evenly, few, random=None)
        return time.perf_counter() - begun

    taken(1)
    move_s = taken(FEW) * (plan.simulations + 1) / (FEW + 1)
    if move_s < SEARCH_SHARE * seconds:
        move_s = taken(plan.simulations)
    what = f"{number(1e3 * move_s / TOGETHER)} ms for a move of {plan.simulations} simulations, by the rules alone"
    return Fact(what, f"of {TOGETHER} games side by side, on one core; a network comes on top")
