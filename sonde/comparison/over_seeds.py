"""What seeds of a setting return in one environment, by Agarwal et al. 2021 (arXiv:2108.13264), and when each solved it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sonde.comparison.curves import clock
from sonde.comparison.members import Member
from sonde.comparison.units import ENOUGH, Family, Unit
from sonde.comparison.words import interval_text
from sonde.core.units import count, duration, metric, metric_name, share
from sonde.metrics.across_seeds import (
    improvement_interval,
    interquartile_mean,
    iqm_interval,
    probability_of_improvement,
)
from sonde.report.folder import Reading
from sonde.report.learning import metric_of

FEW = 10  # seeds, below which intervals over them are wide whatever they are made by


@dataclass(frozen=True, kw_only=True)
class SeedsRow:
    """A line of that table, as text. better: how probable it is that a seed of it is better than one of the best unit"""

    name: str
    seeds: str
    iqm: str
    interval: str
    median: str
    lowest: str
    highest: str
    better: str


def seeds_rows(family: Family) -> list[SeedsRow]:
    """Of all units, where one of several seeds acts; else none."""
    if not family.acts or not any(len(unit.values) >= ENOUGH for unit in family.scored):
        return []
    return [_row(family, unit) for unit in family.scored]


def seeds_columns(family: Family) -> tuple[str, ...]:
    """What stands over the fields of `SeedsRow`."""
    best = family.scored[0].name
    return ("run", "seeds", "IQM", "95 % interval", "median", "lowest", "highest", f"better than {best}")


def seeds_told(family: Family) -> str:
    """What the table's numbers are."""
    fewest = min(len(unit.values) for unit in family.scored if len(unit.values) >= ENOUGH)
    text = (
        f"IQM: interquartile mean of the seeds' {metric_name(family.metric)}, without the lowest and the highest quarter, "
        f"with an interval by resampling seeds; the last column is the probability that a seed there is better than one of "
        f"{family.scored[0].name} (Agarwal et al. 2021), with Newcombe's interval (2006)."
    )
    return text + (f" {fewest} seeds are few: ten tell more." if fewest < FEW else "")


def _row(family: Family, unit: Unit) -> SeedsRow:
    name, values, several = family.metric, unit.values, len(unit.values) >= ENOUGH
    ordered = sorted(values)
    middle = (ordered[(len(values) - 1) // 2] + ordered[len(values) // 2]) / 2
    return SeedsRow(
        name=unit.name,
        seeds=count(len(values)),
        iqm=metric(name, interquartile_mean([values])),
        interval=interval_text(name, iqm_interval([values])) if several else "",
        median=metric(name, middle),
        lowest=metric(name, ordered[0]),
        highest=metric(name, ordered[-1]),
        better=_better(family, unit),
    )


def _better(family: Family, unit: Unit) -> str:
    best = family.scored[0]
    if unit is best or family.higher is None or min(len(unit.values), len(best.values)) < ENOUGH:
        return ""
    sides = ([unit.values], [best.values]) if family.higher else ([best.values], [unit.values])
    found, around = probability_of_improvement(*sides), improvement_interval(*sides)
    low, high = share(around.low, 0).removesuffix(" %"), share(around.high, 0)
    return f"{share(found, 0)} ({low} to {high})"


def solved_text(member: Member, name: str) -> str:
    """When an evaluation first reached the mark from which the environment counts as solved; "" where it has none."""
    found = [_solved(part, name) for part in member.parts]
    return next((text for text in found if text), "")


def _solved(run: Reading, name: str) -> str:
    goal = (run.data.get("goals") or {}).get(name)
    if not isinstance(goal, int | float) or not run.acts:
        return ""
    taken = next((x for x, y in metric_of(run, name) if y is not None and y >= goal), None)
    if taken is None:
        return "never"
    steps, seconds = clock(run)
    until = dict(zip(*run.taken, strict=True))
    passed = next((s for step, s in zip(steps, seconds, strict=True) if until.get(step, 0.0) >= taken), None)
    return f"{count(round(taken))} steps" + ("" if passed is None else f", {duration(passed)}")


def lines_of(rows: Sequence[SeedsRow]) -> list[list[str]]:
    """The rows' texts, by `seeds_columns`."""
    return [list(vars(row).values()) for row in rows]
