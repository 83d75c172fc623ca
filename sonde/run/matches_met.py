"""Matches of a run that plays games: against whom, with how much search, and how many games they are of."""

from dataclasses import replace
from typing import TYPE_CHECKING

from sonde.acting.self_play.games.rows import GameRows
from sonde.acting.self_play.openings import distinct_games
from sonde.acting.self_play.source import playing_of
from sonde.core.dataset import Rows
from sonde.core.errors import ConfigError
from sonde.core.findings import Finding
from sonde.core.playing import Playing
from sonde.core.seams import Task
from sonde.core.units import counted

if TYPE_CHECKING:
    from sonde.run.played import Play


def searching(task: Task, simulations: int | None) -> Playing:
    """How a task plays, with another number of simulations where one is given."""
    playing = playing_of(task)
    if simulations is None:
        return playing
    return replace(playing, plan=replace(playing.plan, simulations=simulations))


def matches_in_words(rows: Rows, task: Task, play: "Play | None") -> str:
    """Against whom games are played, and with how much search; "" of rows that are none.

    An earlier self is not among them where the run holds none. Raises: ConfigError where there is nobody else
    """
    if not isinstance(rows, GameRows):
        return ""
    playing = searching(task, None if play is None else play.simulations)
    folders = dict(rows.runs)
    met = [name for name in rows.opponents if name != "earlier" or playing.earlier() is not None]
    if not met:
        raise ConfigError("--opponents earlier: the run holds no earlier self; name others, such as random,mcts-100")
    named = ", ".join(f"{name} ({folders[name]})" if name in folders else name for name in met)
    told = f"against {named}; {counted(playing.plan.simulations, 'simulation', 'simulations')} a move"
    seed = "" if play is None or play.first_seed is None else f"games of seed {rows.seed:,}"
    return "; ".join([told, *filter(None, [seed]), *(finding.evidence for finding in fewer_games(rows, task))])


def games_met(rows: GameRows, task: Task) -> int:
    """How many games an evaluation is of: those against whom there is, and none twice."""
    return sum(distinct_games(rows) if name in rows.steady else rows.number for name in _there(rows, task))


def _there(rows: GameRows, task: Task) -> list[str]:
    """Opponents, without an earlier self where the run holds none."""
    return [name for name in rows.opponents if name != "earlier" or playing_of(task).earlier() is not None]


def fewer_games(rows: Rows | None, task: Task) -> list[Finding]:
    """That matches against who does not vary have fewer games than were asked for, since the game has no more that differ."""
    if not isinstance(rows, GameRows) or not (steady := [name for name in _there(rows, task) if name in rows.steady]):
        return []
    found, wanted = distinct_games(rows), rows.number
    if found == wanted:
        return []
    against = " and ".join(steady)
    games = counted(found, "game is", "games are")
    evidence = f"against {against} {games} played and not {wanted:,}: no more of them would differ"
    action = "the interval is that of these games; opponents that vary (random, one-ply, mcts-100) play as many as are asked for"
    return [Finding(check="fewer games", severity="note", evidence=evidence, action=action)]
