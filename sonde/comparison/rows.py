"""The tables of a comparison, as text: scores, costs, all metrics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sonde.comparison.differences import Difference
from sonde.comparison.environments import taken_in_all
from sonde.comparison.members import Member
from sonde.comparison.over_seeds import solved_text
from sonde.comparison.told import mark
from sonde.comparison.units import Family, Unit
from sonde.comparison.words import change_interval, change_text, interval_text, verdict
from sonde.core.units import ABSENT, count, duration, metric, metric_name, rate

MOST_METRICS = 40


@dataclass(frozen=True, kw_only=True)
class ScoreRow:
    """A line of the table of scores."""

    name: str
    score: str
    interval: str
    of: str  # what the interval is of; of several seeds their scores
    change: str  # from the best
    change_interval: str
    verdict: str
    how: str
    time: str
    state: str
    found: str  # the likeliest warning, and how many more
    best: bool = False


def score_rows(family: Family, found: Mapping[str, Difference]) -> list[ScoreRow]:
    """Of all units, the best first."""
    return [_row(family, unit, found.get(unit.name), place == 0) for place, unit in enumerate(family.units)]


def _row(family: Family, unit: Unit, found: Difference | None, first: bool) -> ScoreRow:
    name = family.metric
    states = list(dict.fromkeys(member.state for member in unit.members))
    return ScoreRow(
        name=unit.name,
        score=ABSENT if unit.value is None else metric(name, unit.value),
        interval=interval_text(name, unit.interval),
        of=_of(family, unit),
        change="" if found is None else change_text(name, found.value),
        change_interval="" if found is None else change_interval(name, found.interval),
        verdict=_best_of(family) if first and unit.values else "" if found is None else verdict(family, found),
        how="" if found is None else found.how,
        time=_time(unit.members),
        state=", ".join(states),
        found=mark(unit.members),
        best=first and bool(unit.values) and family.higher is not None and len(family.scored) > 1,
    )


def _best_of(family: Family) -> str:
    if len(family.scored) < 2:
        return ""
    return {True: "highest", False: "lowest", None: "first"}[family.higher]


def _of(family: Family, unit: Unit) -> str:
    if unit.spread is None:
        (member,) = unit.members if len(unit.members) == 1 else (unit.members[0],)
        spread = ((member.result.get("spread") or {}).get(family.split) or {}).get(family.metric) or {}
        if spread.get("deviation") is not None:
            return f"{unit.why}; standard deviation over folds {metric(family.metric, spread['deviation'])}"
        return unit.why
    each = ", ".join(metric(family.metric, value) for value in unit.values[:6]) + (
        ", …" if len(unit.values) > 6 else ""
    )
    return f"{unit.why}, standard deviation {metric(family.metric, unit.spread)}: {each}"


def _time(members: Sequence[Member]) -> str:
    known = [seconds for member in members if (seconds := _seconds(member)) is not None]
    return duration(sum(known) / len(known)) if known else ""


def _seconds(member: Member) -> float | None:
    total = (member.result.get("seconds") or {}).get("total")
    if isinstance(total, int | float):
        return float(total)
    ends = [part.steps[-1].get("seconds") for part in member.parts if part.steps]
    known = [float(end) for end in ends if isinstance(end, int | float)]
    return sum(known) if known else None


COST_COLUMNS = ("run", "state", "time", "epochs", "steps", "parameters", "rows per second", "device")
ACTING_COLUMNS = ("run", "state", "time", "environment steps", "updates", "parameters", "solved after", "device")
PLAYING_COLUMNS = ("run", "state", "time", "games", "updates", "parameters", "moves per second", "device")


def cost_columns(family: Family) -> tuple[str, ...]:
    """What stands over `cost_rows`."""
    return ACTING_COLUMNS if family.acts else PLAYING_COLUMNS if _plays(family) else COST_COLUMNS


def _plays(family: Family) -> bool:
    return any(member.reading.plays for member in family.members)


def cost_rows(family: Family) -> list[list[str]]:
    """Of each run what it took, by `cost_columns`."""
    return [_cost(member, family) for member in family.members]


def _cost(member: Member, family: Family) -> list[str]:
    result, first = member.result, member.parts[0]
    seconds = _seconds(member)
    steps = result.get("steps") or max((part.last_step for part in member.parts), default=0)
    speed = result if result.get("samples_per_s") else first.result
    speed = (speed.get("self_play") or {}).get("per_s") if _plays(family) else speed.get("samples_per_s")
    folds = f", {len(member.folds)} folds" if member.folds else ""
    pace = rate(speed) if isinstance(speed, int | float) else ""
    return [
        member.name,
        member.state + folds,
        "" if seconds is None else duration(seconds),
        _length(member, family),
        count(steps) if steps else "",
        count(result["parameters"]) if isinstance(result.get("parameters"), int) else "",
        solved_text(member, family.metric) if family.acts else pace,
        str(first.env.get("device") or first.plan.get("device") or ""),
    ]


def _length(member: Member, family: Family) -> str:
    """Epochs, or what a run that acts or plays has in their place."""
    if family.acts:
        taken = taken_in_all(member.reading)
        return "none, from a log" if taken is None else count(taken)
    told = (member.result.get("self_play") or {}).get("games") if _plays(family) else member.result.get("epochs")
    return "" if not isinstance(told, int | float) else count(told) if _plays(family) else f"{told:g}"


def metric_rows(family: Family) -> list[tuple[str, list[str]]]:
    """(metric, mean of each scored unit as text) of all metrics of the split."""
    held = [[_scores(member, family.split) for member in unit.members] for unit in family.scored]
    names = list(dict.fromkeys(name for scores in held for each in scores for name in each))[:MOST_METRICS]
    return [(metric_name(name), [_mean(name, scores) for scores in held]) for name in names]


def _scores(member: Member, split: str) -> Mapping[str, object]:
    if member.judged is not None:
        return member.judged.values
    return (member.result.get("metrics") or {}).get(split) or {}


def _mean(name: str, scores: Sequence[Mapping[str, object]]) -> str:
    values = [float(each) for held in scores if isinstance(each := held.get(name), int | float)]
    return metric(name, sum(values) / len(values)) if values else ABSENT
