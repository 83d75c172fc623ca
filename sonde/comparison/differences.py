"""Whether two scores differ by more than the noise of the rows that were evaluated and of the seeds that were trained with."""

from dataclasses import dataclass

import numpy as np

from sonde.comparison.environments import ACTING
from sonde.comparison.own_code import measured_apart
from sonde.comparison.units import ENOUGH, Family, Unit, of_rows
from sonde.metrics.intervals import Interval, Spread, apart, bootstrap_difference, mcnemar, pooled, student, welch
from sonde.report.answers import Answers, paired, row_values, same_rows
from sonde.report.sums import paired_sums, same_sums

TOGETHER = 0.05  # chance that any of a family's comparisons finds a difference where there is none (Bonferroni)


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A unit's score minus the best one's.

    interval: of that difference; None where nothing tells it
    beyond: whether it is more than noise; None where nothing tells it
    how: what it was compared by
    """

    value: float
    interval: Interval | None
    beyond: bool | None
    how: str


def from_the_best(family: Family) -> dict[str, Difference]:
    """Name of each scored unit but the best -> how it differs from that one (the first, where no direction is known)."""
    if len(family.scored) < 2:
        return {}
    best, *others = family.scored
    level = 1 - TOGETHER / len(others)
    spread = pooled([unit.values for unit in family.scored])
    return {unit.name: difference(unit, best, family, spread=spread, level=level) for unit in others}


def difference(unit: Unit, best: Unit, family: Family, *, spread: Spread | None, level: float) -> Difference:
    """How `unit` differs from `best`.

    spread: over seeds, of the family's runs, where some were trained with several
    level: of what rows tell, and 1 - level the largest p-value of a difference

    Where seeds tell something, they must agree with the rows: a difference that another seed would undo is none.
    """
    value = float(np.mean(unit.values) - np.mean(best.values))
    if unit.members[0].data != best.members[0].data:
        return Difference(value=value, interval=None, beyond=None, how="on other data")
    if measured_apart(unit.members[0], best.members[0], family.metric):
        return Difference(value=value, interval=None, beyond=None, how="measured by another function")
    found = [*_by_seeds(unit, best, value, spread), *_by_rows(unit, best, family.metric, family.split, level)]
    if not found:
        return Difference(value=value, interval=None, beyond=None, how="the noise is not known")
    widest = max((interval for interval, _, _ in found), key=lambda interval: interval.high - interval.low)
    return Difference(
        value=value,
        interval=widest,
        beyond=all(beyond for _, beyond, _ in found),
        how="; ".join(how for _, _, how in found),
    )


Told = tuple[Interval, bool, str]


def _by_seeds(unit: Unit, best: Unit, value: float, spread: Spread | None) -> list[Told]:
    """By their own seeds where both have ENOUGH, else by the spread that all runs are taken to share."""
    a, b = unit.values, best.values
    paired = (
        sorted(unit.seeds) == sorted(best.seeds) and unit.members[0].problem != ACTING
    )  # where a seed draws no rows
    if min(len(a), len(b)) >= ENOUGH and paired:
        # a seed may also have split the rows, so that pairs have more in common
        mine, others = dict(zip(unit.seeds, a, strict=True)), dict(zip(best.seeds, b, strict=True))
        interval, how = student([mine[seed] - others[seed] for seed in mine]), f"{len(a)} pairs of seeds"
    elif min(len(a), len(b)) >= ENOUGH:
        interval, how = welch(a, b), f"{len(a)} and {len(b)} seeds"
    elif spread is not None and spread.freedom >= ENOUGH - 1:
        interval, how = spread.difference(value, len(a), len(b)), "the spread over seeds of all runs here"
    else:
        return []
    if interval.low == interval.high != 0.0:  # every seed gave the same: what another would give is not known
        return []
    return [(interval, not interval.holds(0.0), how)]


def _by_rows(unit: Unit, best: Unit, metric: str, split: str, level: float) -> list[Told]:
    sides = [[member.answers(split) for member in each.members] for each in (unit, best)]
    a, b = ([held for held in side if held is not None] for side in sides)
    whole = len(a) == len(unit.members) and len(b) == len(best.members)
    if whole and same_rows([*a, *b]):
        if metric == "accuracy" and len(a) == len(b) == 1:
            return [_right_or_wrong(a[0], b[0], level)]
        interval = paired(a, b, metric, level=level)
        if interval is not None:
            return [(interval, not interval.holds(0.0), f"the same {len(a[0].target):,} rows, paired bootstrap")]
    found = _by_sums(unit, best, metric, split, level)
    if found:
        return found
    if (
        len(unit.values) > 1 or len(best.values) > 1
    ):  # each seed had rows of its own, and their spread holds that of the rows
        return []
    return _alone(unit, best, metric, split, level)


def _by_sums(unit: Unit, best: Unit, metric: str, split: str, level: float) -> list[Told]:
    """As `_by_rows`, of metrics that are no means of rows' answers."""
    sides = [[member.sums(split) for member in each.members] for each in (unit, best)]
    a, b = ([held for held in side if held is not None] for side in sides)
    if len(a) < len(unit.members) or len(b) < len(best.members) or not same_sums([*a, *b]):
        return []
    interval = paired_sums(a, b, metric, level=level)
    if interval is None:
        return []
    return [(interval, not interval.holds(0.0), f"the same {len(a[0]):,} {a[0].unit}, paired bootstrap")]


def _right_or_wrong(first: Answers, second: Answers, level: float) -> Told:
    """McNemar's test of the rows that only one of two runs had right."""
    mine, others = row_values(first, "accuracy"), row_values(second, "accuracy")
    assert mine is not None
    assert others is not None
    only, other = int((mine > others).sum()), int((others > mine).sum())
    p = mcnemar(only, other)
    how = f"the same {len(mine):,} rows: {only} right here only, {other} there only; McNemar p {_p(p)}"
    return bootstrap_difference(mine, others, level=level), p < 1 - level, how


def _alone(unit: Unit, best: Unit, metric: str, split: str, level: float) -> list[Told]:
    """From the interval of each score: of rows that differ, or of which only the number is known."""
    (a,), (b,) = unit.values, best.values
    mine, others = (
        of_rows(each.members[0], metric, split, value, level=level)[0] for each, value in ((unit, a), (best, b))
    )
    if mine is None or others is None:
        return []
    interval = apart(a, mine, b, others)
    return [(interval, not interval.holds(0.0), "not known to be the same rows, so treated as different ones")]


def _p(p: float) -> str:
    return f"= {p:.2g}" if p >= 1e-4 else "< 0.0001"
