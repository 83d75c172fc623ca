"""Whether an evaluation in an environment was of sampled actions or of the likeliest, as it is told and kept."""

from sonde.acting.evaluation.episodes import acting_of, is_sampled
from sonde.acting.seeds import SeedRows
from sonde.core.dataset import Rows
from sonde.core.seams import Task
from sonde.core.units import actions_in_words
from sonde.run.matches_met import matches_in_words
from sonde.run.played import Play, seeds_in_words


def actions_of(rows: Rows | None, task: Task, play: Play | None = None) -> dict[str, str]:
    """ "actions" of result.json, "sampled" or "likeliest"; empty where no episodes are played. Raises: as `is_sampled`"""
    if not isinstance(rows, SeedRows):
        return {}
    drawn = is_sampled(acting_of(task), None if play is None else play.sampled)
    return {"actions": "sampled" if drawn else "likeliest"}


def played_in_words(rows: Rows, task: Task, play: Play | None) -> str:
    """How episodes or games are played: from which seeds and by which actions, or against whom; "" of rows that are none.

    Raises: ConfigError where it cannot be
    """
    decided = actions_in_words(actions_of(rows, task, play).get("actions"))
    return ", ".join(filter(None, [matches_in_words(rows, task, play) or seeds_in_words(rows), decided]))
