"""Finished runs that lose to an answer that ignores the input."""

import math
from collections.abc import Mapping
from typing import Any, TypeGuard

from sonde.core.findings import Finding
from sonde.core.units import number
from sonde.diagnose.rules.held import WORSE, finds_some
from sonde.diagnose.rules.scores import single_answer
from sonde.diagnose.seen import Seen
from sonde.metrics.intervals import Interval


def below_baseline(
    result: Mapping[str, Any],
    *,
    larger: bool | None,
    rows: int | None,
    difference: Interval | None = None,
    sure: bool = True,
    memory: str = "",
) -> list[Finding]:
    """That a finished run's headline metric is worse than that of its trivial baseline or rule; of returns also that it is not
    better beyond chance.

    larger: whether larger values of the metric are better, None where that is not known;  rows: that were evaluated
    difference: the interval of the score less the baseline's, where episodes of both are known; infinite where they are too few
    sure: whether the episodes of that interval are many enough to be certain of it
    memory: of a policy that remembers nothing, the settings by which one is learned that does
    """
    metric, baseline = result.get("headline", ""), result.get("baseline") or {}
    split = next(reversed(list(result.get("metrics") or {})), "")
    scores = (result.get("metrics") or {}).get(split, {})
    score, other = scores.get(metric), baseline.get(metric)
    if larger is None or not _is_number(score) or not _is_number(other):
        return []
    acts = difference is not None or bool(result.get("experience"))
    unit, few = "episodes" if acts else "rows", acts and difference is None  # too few episodes for an interval
    if difference is not None and larger:
        if math.isinf(difference.high):
            return []
        if difference.high >= 0:
            return _not_above(result, split, difference, memory) if difference.low <= 0 else []
    else:
        error = _error(other, scores.get(f"{metric}_std"), rows) if larger and rows else 0.0
        if not (score < other - error if larger else score > other + (WORSE - 1) * abs(other)):
            return []
    return [
        Finding(
            check="worse than the baseline",
            name="worse-than-baseline",
            severity="warning",
            evidence=f"{metric} on the {split} {unit} is {number(score)}, and {_who(baseline)} has {number(other)}",
            action=f"{OF_A_LOG if result.get('references') else ''}train longer or at another rate (--lr auto), see "
            f"`sonde inspect` for the data; if a simple rule does better, use the rule{_remembering(memory)}",
            step=result.get("steps"),
            certainty="likely" if few or not sure else "certain",
        )
    ]


def _not_above(result: Mapping[str, Any], split: str, difference: Interval, memory: str) -> list[Finding]:
    """That a policy is not told from one that knows nothing; nothing of a run that has hardly begun, or that reached its goal."""
    metric, baseline = result["headline"], result["baseline"]
    score, goal = result["metrics"][split][metric], (result.get("goals") or {}).get(metric, math.inf)
    if result.get("steps", 0) < BEGUN or score >= goal:
        return []
    what = baseline.get("policy") or baseline.get("what", "the baseline")
    action = "train longer or at another rate (--lr auto), see `sonde inspect` for the environment; "
    said = f"no difference beyond chance (95 % interval of it: {_signed(difference)})"
    if difference.low == difference.high:
        said = "the same"
        action = f"if no policy can return more, there is nothing to learn here that {what} does not do; else {action}"
    return [
        Finding(
            check="no better than the baseline",
            name="no-better-than-baseline",
            severity="warning",
            evidence=f"{metric} on the {split} episodes is {number(score)}, and {_who(baseline)} has {number(baseline[metric])}: "
            f"{said}",
            action=f"{action}where it is a little better, more --test-episodes show it{_remembering(memory)}",
            step=result.get("steps"),
            certainty="likely",
        )
    ]


def _remembering(memory: str) -> str:
    """The end of an action. memory: see `below_baseline`"""
    return (
        f"; where what must be known was shown earlier in an episode: {memory} learns to remember it" if memory else ""
    )


def _who(baseline: Mapping[str, Any]) -> str:
    """What has the baseline's score, and on which rows; not what was left out of it, of which another finding is.

    >>> _who({"what": "a random policy, on the first 3 of 9 episodes; no constant action was tried"}), _who({})
    ('a random policy, on the first 3 of 9 episodes,', 'the baseline')
    """
    what = str(baseline.get("what", "the baseline")).partition("; ")[0]
    return f"{what}," if "," in what else what


def _signed(difference: Interval) -> str:
    return f"{difference.low:+.3g} to {difference.high:+.3g}"


def _error(other: float, deviation: object, rows: int) -> float:
    """By how much a score may lie below another by chance. deviation: of the rows, such as the returns of episodes"""
    if _is_number(deviation):
        return 2 * deviation * math.sqrt(2 / rows)  # two standard errors of the difference of two means
    return math.sqrt(max(0.0, other * (1 - other)) / rows) if 0 <= other <= 1 else 0.0


OF_A_LOG = "look first at the log that it learned from: units, order of the rows, what was shown; then "
BEGUN = 20  # steps: a run of fewer is a trial, and has learned nothing yet


def below_guessing(result: Mapping[str, Any], seen: Seen) -> list[Finding]:
    """The same of a run whose data have no baseline of their own: the weights that it keeps have a larger loss on the validation
    rows than the frequencies of their classes, or than their mean, and do not find more of them either.

    seen: by the doctor, while the run trained
    """
    scores = (result.get("metrics") or {}).get("validation", {})
    loss, guess = scores.get("loss"), seen.held_reference()
    if result.get("baseline") or seen.context.phases > 1 or not _is_number(loss) or guess is None or seen.step < BEGUN:
        return []
    if loss < WORSE * guess or finds_some(seen):
        return []
    usual, accuracy, beside = seen.usual(), scores.get("accuracy"), ""
    if usual is not None and _is_number(accuracy):
        share, rows = usual
        if accuracy > share + 2 * math.sqrt(share * (1 - share) / rows):
            return []
        beside = f"; accuracy is {number(accuracy)}, and the most frequent class has {number(share)}"
    answers = seen.held_answers()
    single = single_answer(answers) if answers is not None and answers.confusion else None
    if single is not None:
        beside += f"; class {single} is predicted for nearly all rows, whatever the input"
    who = "guessing by the frequencies of their classes" if usual is not None else "always predicting their mean"
    return [
        Finding(
            check="worse than the baseline",
            name="worse-than-baseline",
            severity="warning",
            evidence=f"{seen.held_name()} is {number(loss)}, and {who} gives {number(guess)}{beside}",
            action="do not use it as it is: what it has learned does not generalise to other rows"
            if single is None
            else "do not use it as it is: it does not tell the classes apart; train longer or at another rate, and "
            "give rare classes more weight",
            step=result.get("steps"),
            certainty="certain",
        )
    ]


FAR = 3.0  # standard errors of the difference of two shares: chance alone goes so far down once in 740 runs


def below_validation(metrics: Mapping[str, Mapping[str, Any]], rows: Mapping[str, int]) -> list[Finding]:
    """A note that the accuracy on test rows is lower than on validation rows beyond chance.

    rows: of each split, which were evaluated one answer each
    """
    found = [(metrics.get(split, {}).get("accuracy"), rows.get(split, 0)) for split in ("validation", "test")]
    (held, first), (test, second) = found
    if not (_is_number(held) and _is_number(test) and first and second):
        return []
    share = (held * first + test * second) / (first + second)
    error = math.sqrt(max(0.0, share * (1 - share)) * (1 / first + 1 / second))
    if not held - test > FAR * error > 0:
        return []
    return [
        Finding(
            check="test below validation",
            severity="note",
            evidence=f"accuracy is {100 * held:.2f} % on {first:,} validation rows and {100 * test:.2f} % on {second:,} test "
            f"rows, {(held - test) / error:.1f} standard errors lower",
            action="the validation rows chose the checkpoint, which raises their score a little; more than that is a "
            "difference in kind: were the rows drawn alike, or are validation rows near copies of training rows?",
            certainty="suspected",
        )
    ]


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and math.isfinite(value)
