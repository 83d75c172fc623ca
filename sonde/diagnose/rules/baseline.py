"""Runs that lose to an answer that ignores the input: on validation rows while they train, and at the end by their result."""

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from sonde.core.findings import Finding
from sonde.core.units import number
from sonde.diagnose.seen import Seen
from sonde.diagnose.signals import calls
from sonde.diagnose.signals.answers import Answers
from sonde.diagnose.suspicion import Suspicion

ENOUGH = 100  # validation rows
LEAST = 50  # steps
LOOKS = 2
WORSE = 1.02  # of an error, from which it counts as larger
SQUARES = "mse_loss"


def worse_than_guessing(seen: Seen) -> Suspicion | None:
    """At no evaluation were the answers to validation rows better than those of the most frequent class, or of the mean."""
    if seen.moment != "end" or seen.context.phases > 1 or seen.step < LEAST:
        return None
    looked = [(each, each.answers) for each in seen.evaluations if each.answers is not None]
    if len(looked) < LOOKS or any(answers.rows < ENOUGH for _, answers in looked):
        return None
    words = [
        _of_classes(answers) if answers.confusion else _of_values(seen, answers, each.metrics.get("loss", math.nan))
        for each, answers in looked
    ]
    if not all(words):
        return None
    return Suspicion(
        name="worse-than-guessing",
        evidence=words[-1],
        action="see whether inputs and targets of a row belong together, and whether the network learns one batch by "
        "heart; where the training loss is low, it has learned its rows by heart: more rows, fewer parameters",
        place="outcome",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"answers-alike", "overfitting", "still-improving"}),
    )


def _of_classes(answers: Answers) -> str:
    """Words where both the share of right answers and its mean over classes are those of a guess; "" else."""
    rows = [sum(row) for row in answers.confusion]
    total, present = sum(rows), sum(count > 0 for count in rows)
    if total < ENOUGH or present < 2:
        return ""
    right = sum(row[place] for place, row in enumerate(answers.confusion)) / total
    recalls = [each for each in answers.found() if each is not None]
    usual, mean = max(rows) / total, sum(recalls) / len(recalls)
    chance = 1 / present  # the mean recall of any answer that ignores the input
    error = math.sqrt(sum(chance * (1 - chance) / count for count in rows if count)) / present
    if right > usual or mean > chance + 2 * error:
        return ""
    return (
        f"{number(100 * right)} % of {total:,} validation rows are answered right; always answering class "
        f"{rows.index(max(rows))} has {number(100 * usual)} %"
    )


def _of_values(seen: Seen, answers: Answers, loss: float) -> str:
    """The same of squared errors beside the variance of the targets."""
    reference = seen.reference()
    if reference is None or reference.kind != calls.VALUES or answers.wanted <= 0:
        return ""
    variance = answers.wanted**2
    if not loss > WORSE * variance:
        return ""
    return f"the squared error of the validation rows is {number(loss)}, and always answering their mean has {number(variance)}"


def below_baseline(result: Mapping[str, Any], *, larger: bool | None, rows: int | None) -> list[Finding]:
    """That a finished run's headline metric is worse than that of its trivial baseline or rule.

    larger: whether larger values of the metric are better, None where that is not known;  rows: that were evaluated
    A warning where nothing else explains it, and a note where the run's diagnosis does.
    """
    metric, baseline = result.get("headline", ""), result.get("baseline") or {}
    split = next(reversed(list(result.get("metrics") or {})), "")
    score, other = (result.get("metrics") or {}).get(split, {}).get(metric), baseline.get(metric)
    if larger is None or not _is_number(score) or not _is_number(other):
        return []
    error = math.sqrt(max(0.0, other * (1 - other)) / rows) if larger and rows and 0 <= other <= 1 else 0.0
    worse = score < other - error if larger else score > other + (WORSE - 1) * abs(other)
    if not worse:
        return []
    return [
        Finding(
            check="worse than the baseline",
            name="worse-than-baseline",
            severity="note" if result.get("diagnosis") else "warning",
            evidence=f"{metric} on the {split} rows is {number(score)}, and {baseline.get('what', 'the baseline')} has "
            f"{number(other)}",
            action="train longer or at another rate (--lr auto), see `sonde inspect` for the data; a rule that does better is "
            "worth using",
            step=result.get("steps"),
            certainty="certain",
        )
    ]


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)
