"""Runs that act: in which environment, with which of its settings, and how many of its steps they took."""

from collections.abc import Mapping, Sequence
from typing import Any

from sonde.metrics.intervals import Interval
from sonde.report.folder import Reading

ACTING = "acting"
OF_LOGS = ("gym", "env", "atari")  # schemes of what a schema holds of a log that is evaluated in its environment
RULES = ("max_episode_steps", "frame_skip", "noop_starts", "sticky_actions", "all_actions", "opponents")
"""Settings that make another environment of one, or another judge: returns under one are not those under another. What is
shown of it (`frame_stack`), learned from (`reward_clip`) or how many episodes are played is the learner's own affair."""


def environment_of(run: Reading) -> str:
    """The one that a run's scores are of, "" for a run that learns from rows and is scored on rows.

    A policy that learned from a log and was evaluated in the environment stands beside those that acted there.
    """
    extra = (run.schema.get("input") or {}).get("extra") or ""
    if isinstance(extra, str) and extra.partition(":")[0] in OF_LOGS:
        return extra
    return str(run.data.get("source") or run.config.get("data") or "") if run.acts else ""


def rules_of(environment: str, settings: Mapping[str, Any]) -> str:
    """Equal for runs that had the same environment and the same of its settings.

    >>> rules_of("gym:CartPole-v1", {"max_episode_steps": 200, "lr": 0.1, "frame_skip": None})
    'gym:CartPole-v1, --max-episode-steps 200'
    """
    told = [f"--{name.replace('_', '-')} {_text(settings[name])}" for name in RULES if settings.get(name)]
    return ", ".join([environment, *told])


def _text(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def taken_in_all(run: Reading) -> int | None:
    """Steps of the environments of the whole training."""
    found = (run.result.get("experience") or {}).get("environment_steps")
    if isinstance(found, int | float):
        return int(found)
    return int(run.taken[1][-1]) if run.taken[1] else None


def experience_of(run: Reading) -> int | None:
    """Steps of the environments, or moves of games, that a run learned from; None of one that reads rows."""
    if run.acts:
        return taken_in_all(run)
    moves = (run.result.get("self_play") or {}).get("moves") if run.plays else None
    return int(moves) if isinstance(moves, int | float) else None


def met_in(run: Reading) -> tuple[str, ...]:
    """Whom a run that learns a game was judged against: as its matches have it, else as it was to be; () of other runs."""
    matches = (run.evaluated.get(run.split) or {}).get("matches")
    if isinstance(matches, Mapping):
        return tuple(map(str, matches))
    settings = run.config.get("settings")
    named = settings.get("opponents") if isinstance(settings, Mapping) and run.plays else None
    return tuple(map(str, named)) if isinstance(named, list | tuple) else ()


def rewards_of(runs: Sequence[Reading]) -> Interval | None:
    """The least and the greatest reward that any of the runs was given while it learned; None where one of them does not tell."""
    seen = []
    for run in runs:
        ends = [(line.get("reward_lowest"), line.get("reward_highest")) for line in run.steps]
        known = [(low, high) for low, high in ends if isinstance(low, int | float) and isinstance(high, int | float)]
        if not known:
            return None
        seen += known
    return Interval(min(low for low, _ in seen), max(high for _, high in seen)) if seen else None
