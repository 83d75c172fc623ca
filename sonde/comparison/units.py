"""What is scored: a run, or all runs of the same settings together, whose spread tells how much chance is in one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from statistics import NormalDist

import numpy as np

from sonde.comparison.environments import ACTING, rewards_of
from sonde.comparison.members import Member, clipped, split_of, told_apart
from sonde.comparison.settings import SEED, differing, same_but_for_chance
from sonde.core.units import counted, is_share
from sonde.metrics.intervals import LEVEL, Interval, student, wilson
from sonde.report.how_sure import interval_in

ENOUGH = 3  # seeds, below which their own spread is hardly known: Student's t of two is 12.7 standard errors
UNBOUNDED = ("wer", "cer")  # percentages that may exceed 100 %


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Runs of the same settings, one of each seed, or one run.

    members: those that are counted;  repeats: further ones of the same seed and score, which add nothing
    value: its score, of several runs their mean; None for what has none (yet)
    interval: of that score: over the evaluated rows of one run (of several with one and the same score too), over the seeds of
              several; None where neither tells
    why: what the interval is of, or why there is none
    """

    name: str
    members: Sequence[Member]
    repeats: Sequence[Member] = ()
    values: Sequence[float] = ()
    interval: Interval | None = None
    why: str = ""

    @property
    def value(self) -> float | None:
        """The mean of its runs' scores."""
        return float(np.mean(self.values)) if self.values else None

    @property
    def seeds(self) -> list[str]:
        """Of its runs."""
        return [str(member.seed) for member in self.members]

    @property
    def spread(self) -> float | None:
        """Standard deviation over the seeds."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None


@dataclass(frozen=True, kw_only=True)
class Family:
    """Runs of one task, or of all tasks in one environment, that are judged by one metric, the best first, those without a score
    last.

    higher: whether more of the metric is better; None where nobody knows, and then none is best
    """

    task: str
    metric: str
    split: str
    higher: bool | None
    units: Sequence[Unit]

    @property
    def members(self) -> list[Member]:
        """All runs, in the order of the units."""
        return [member for unit in self.units for member in unit.members]

    @property
    def acts(self) -> bool:
        """Whether its scores are what episodes of one environment returned, of whatever task."""
        return self.task == ACTING

    @property
    def scored(self) -> list[Unit]:
        """Those that have a score."""
        return [unit for unit in self.units if unit.values]


def families(members: Sequence[Member], metric: str = "") -> list[Family]:
    """The runs by task, metric and data, those that act by environment and metric, first where there is most to compare.

    metric: the one to compare by, by default each run's own
    Runs whose data no other run had stand together, so that they are seen beside one another at all; but for returns of
    different environments, which are different quantities.
    """
    names: dict[str, str] = {}  # of a task's runs that are over, the metric
    for member in members:
        if member.result:
            names.setdefault(member.problem, metric or member.metric)
    found: dict[tuple[str, str], list[Member]] = {}
    for member in members:
        own = metric or member.metric
        key = own if member.result else names.get(member.problem, own)  # one that is not over goes with its like
        found.setdefault((member.problem, key), []).append(member)
    every = [_family(task, name, group) for (task, name), whole in found.items() for group in _by_data(whole)]
    return sorted(every, key=lambda family: (-len(family.scored), -len(family.members)))


def by_unit(family: Family, texts: Sequence[str]) -> list[str]:
    """What stands for each run, as one text for each unit."""
    found, begin = [], 0
    for unit in family.units:
        found.append(", ".join(dict.fromkeys(texts[begin : begin + len(unit.members)])))
        begin += len(unit.members)
    return found


def _by_data(members: Sequence[Member]) -> list[list[Member]]:
    groups: dict[str, list[Member]] = {}
    for member in members:
        groups.setdefault(member.data, []).append(member)
    if members[0].problem == ACTING:
        return list(groups.values())
    shared = [group for group in groups.values() if len(group) > 1]
    alone = [group[0] for group in groups.values() if len(group) == 1]
    return [*shared, *([alone] if alone else [])]


def _family(task: str, metric: str, members: Sequence[Member]) -> Family:
    split = split_of(members, metric)
    known = {member.higher(metric) for member in members} - {None}
    higher = known.pop() if len(known) == 1 else None
    groups: dict[object, list[Member]] = {}
    for member in members:
        scored = member.value(split, metric) is not None
        key = (same_but_for_chance(member), bool(member.folds)) if scored else member.name
        groups.setdefault(key, []).append(member)
    units = [unit for group in groups.values() for unit in _units(group, metric, split)]
    if higher is not None:
        units.sort(key=lambda unit: -(unit.value or 0.0) if higher else (unit.value or 0.0))
    units.sort(key=lambda unit: unit.value is None)
    return Family(task=task, metric=metric, split=split, higher=higher, units=_named(units))


def _units(members: Sequence[Member], metric: str, split: str) -> list[Unit]:
    """Runs of the same settings as units in which each seed counts once.

    What repeats a run, seed and score, is kept as a repeat. Where the same seed gave another score, something that no folder
    holds differs, such as the first weights of a caller's network: such runs make units of their own, so that none is lost.
    """
    found = []
    left = list(members)
    while left:
        first = {str(member.seed): member for member in reversed(left)}
        one_a_seed = [member for member in left if member is first[str(member.seed)]]
        again = [member for member in left if member is not first[str(member.seed)]]
        repeats, left = list[Member](), list[Member]()
        for member in again:
            same = member.value(split, metric) == first[str(member.seed)].value(split, metric)
            (repeats if same else left).append(member)
        found.append(replace(_unit(one_a_seed, metric, split), repeats=repeats))
    return found


def _unit(one_a_seed: Sequence[Member], metric: str, split: str) -> Unit:
    values = [value for member in one_a_seed if (value := member.value(split, metric)) is not None]
    if not values:
        return Unit(name=one_a_seed[0].name, members=one_a_seed)
    if len(values) > 1:
        why = f"mean of {len(values)} seeds"
        if len(values) >= ENOUGH and len(set(values)) == 1:  # a spread of 0 tells nothing, the rows do
            interval, rows = of_rows(one_a_seed[0], metric, split, values[0])
            why += f" with equal scores; the interval is of {rows}" if interval is not None else ""
        else:
            interval = _possible(student(values), metric, one_a_seed) if len(values) >= ENOUGH else None
    else:
        interval, why = of_rows(one_a_seed[0], metric, split, values[0])
    return Unit(name=one_a_seed[0].name, members=one_a_seed, values=values, interval=interval, why=why)


def _possible(interval: Interval, metric: str, members: Sequence[Member]) -> Interval:
    """Without what no share can be, and no return of rewards that all were of one sign: Student's t knows no bounds."""
    low, high = -inf, inf
    if is_share(metric):
        low, high = 0.0, inf if metric in UNBOUNDED else 1.0
    elif metric == "return" and (rewards := rewards_of([part for each in members for part in each.parts])):
        low, high = 0.0 if rewards.low >= 0 else -inf, 0.0 if rewards.high <= 0 else inf
    return Interval(max(low, interval.low), min(high, interval.high))


def of_rows(
    member: Member, metric: str, split: str, value: float, *, level: float = LEVEL
) -> tuple[Interval | None, str]:
    """The interval of one run's score, and of how many rows it is."""
    if member.judged is not None:
        return _at(level, member.judged.intervals.get(metric), value), member.judged.beside
    details = [part.evaluated.get(split) or {} for part in member.parts]
    found, of = interval_in(details, metric, value, level=level)
    if found is not None:
        text = of or _evaluated_rows(member, split)
        return found, f"{text} of {len(member.folds)} folds" if member.folds else text
    counts = [_right(each) for each in details]
    if metric == "accuracy" and all(counts):
        right, rows = (sum(pair[place] for pair in counts if pair) for place in (0, 1))
        return wilson(right, rows, level=level), counted(int(rows), "row", "rows")
    kept = all(each.get("answers") or each.get("sums") for each in details)
    return None, "not a score of single rows" if kept else "predictions of single rows were not kept"


def _at(level: float, interval: Interval | None, value: float) -> Interval | None:
    """An interval of 95 % as one of another level, as of values that are spread normally."""
    if interval is None:
        return None
    wider = NormalDist().inv_cdf((1 + level) / 2) / NormalDist().inv_cdf((1 + LEVEL) / 2)
    return Interval(value - wider * (value - interval.low), value + wider * (interval.high - value))


def _evaluated_rows(member: Member, split: str) -> str:
    """How many rows a split has, where that is known."""
    counts = [(part.data.get("splits") or {}).get(split) for part in member.parts]
    whole = [rows for rows in counts if isinstance(rows, int)]
    return counted(sum(whole), "row", "rows") if whole and len(whole) == len(counts) else "the rows"


def _right(details: dict[str, object]) -> tuple[float, float] | None:
    """(rows that were right, rows) of a confusion matrix of rows."""
    table = details.get("confusion")
    if not isinstance(table, dict) or table.get("unit", "rows") != "rows" or not table.get("counts"):
        return None
    counts = np.asarray(table["counts"], np.float64)
    return (float(counts.trace()), float(counts.sum())) if counts.sum() else None


def _named(units: Sequence[Unit]) -> list[Unit]:
    """Names that say what each is: a run's own, and of several runs the model and what tells it from others of that model.

    Where that does not tell them apart, the first run of each does.
    """
    names = [_name(unit, units) for unit in units]
    full = [
        _of_seeds(f"{unit.members[0].model} {unit.name}…", unit) if names.count(name) > 1 else name
        for unit, name in zip(units, names, strict=True)
    ]
    return [replace(unit, name=name) for unit, name in zip(units, told_apart(full), strict=True)]


def _name(unit: Unit, units: Sequence[Unit]) -> str:
    if len(unit.members) == 1:
        return unit.name
    own = _kind(unit, units)
    alike = [other for other in units if len(other.members) > 1 and _kind(other, units) == own]
    place = [id(other) for other in alike].index(id(unit))
    apart = differing([other.members[0] for other in alike])
    told = [f"{name[2:]} {texts[place]}" for name, texts in apart if name != f"--{SEED}"][:2]
    return _of_seeds(" ".join([own, *told]), unit)


def _kind(unit: Unit, units: Sequence[Unit]) -> str:
    """The model; of what acts the task, with the model where one task has several."""
    first = unit.members[0]
    if first.problem != ACTING:
        return first.model
    models = {other.members[0].model for other in units if other.members[0].task == first.task}
    return f"{first.task} {first.model}" if len(models) > 1 else first.task


def _of_seeds(text: str, unit: Unit) -> str:
    return f"{clipped(text)} ({len(unit.members)} seeds)"
