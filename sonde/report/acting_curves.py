"""Training curves of a run that acts, over the steps of its environments: returns, what was expected of them, how it learned."""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sonde.core.units import counted, number
from sonde.metrics.intervals import around_mean
from sonde.report import captions
from sonde.report.acted import goal_of
from sonde.report.figures import Axis, Series
from sonde.report.folder import Reading
from sonde.report.learning import Figure, across, figure, finite, logged, metric_of, optimisation_figures
from sonde.report.legend import HELP, HELP_TOO
from sonde.report.plain_policies import policies
from sonde.report.scale import Point
from sonde.report.time_shares import time_shares

MOST_PARTS = 8  # further numbers of the losses that get a figure
WANDERING = 0.25  # of the larger of both, by which what is expected is called too much or too little
MOSTLY = 0.5  # of what became of it: more of it in values, and no value is confirmed by it


class Curve(NamedTuple):
    """How a number of the log is shown. reads: what it says, for the caption;  bounds: beyond which it cannot lie"""

    title: str
    label: str
    reads: str
    bounds: tuple[float, float] | None = None


CURVES = {
    "policy/value": Curve(
        "Error of the values", "squared error, halved", "How far the critic is from the returns that it learns."
    ),
    "policy": Curve("Loss of the policy", "loss", "Below 0: updates make what went better than expected likelier."),
    "value": Curve("Mean value", "value", "What the network takes an action to return, in the batches it learns from."),
    "error": Curve("Error of the values", "absolute error", "How far values are from what a step later tells of them."),
    "entropy": Curve(
        "Entropy of the actions",
        "nats",
        "High: it still tries everything; 0: it always does the same. Of actions that are numbers it may be below 0.",
    ),
    "kl": Curve(
        "KL divergence",
        "nats",
        "How far updates moved the policy from the one that acted (Schulman 2020, k3); 0.02 is much.",
    ),
    "clipped": Curve(
        "Clipped share",
        "share of the actions",
        "Of so many actions the probability moved as far as --clip-range allows.",
        (0, 1),
    ),
    "explained_variance": Curve(
        "Explained variance of the values",
        "1 is perfect",
        "1: they foresee returns; 0: no better than a constant; below: worse.",
    ),
    "at_bound": Curve(
        "Actions at a bound",
        "share of the numbers",
        "Of the numbers of actions, how many are as far as they go.",
        (0, 1),
    ),
    "temperature": Curve("Temperature", "temperature", "What a nat of entropy is worth beside rewards."),
    "replayed": Curve(
        "Age of the oldest transition",
        "steps of the environments",
        "How long ago what is learned from may have happened.",
    ),
}
"""By the number's whole name, or what follows its phase's."""


def acting_figures(run: Reading) -> list[Figure]:
    """The figures of whatever was logged so far."""
    first = [_returns(run), _lengths(run), _expected(run)]
    return [*(each for each in first if each is not None), *_parts(run), *optimisation_figures(run), *time_shares(run)]


def _returns(run: Reading) -> Figure | None:
    name = run.metric or "return"
    evaluated, train = metric_of(run, name), logged(run, f"train_{name}")
    if not finite(evaluated) and not finite(train):
        return None
    low, high = _band(run, name, evaluated)
    axis = across(run)
    shown = (
        [Series(name="evaluation", points=evaluated, colour=2, dots=len(evaluated) <= 60)] if finite(evaluated) else []
    )
    shown += [Series(name="training", points=train, colour=1)] if finite(train) else []
    shown += [Series(name="", points=high, down_to=low, colour=2)] if high else []
    shown += _marks(run, name, shown)
    told = [captions.of_metric(f"the evaluation's {name}", evaluated, axis.label, captions.short, True)]
    if high:
        told.append(f"The band is the 95 % interval of the mean of {_episodes(run)} episodes.")
    if finite(train):
        told.append("Training: the last episodes that ended, up to 100, with actions as they were explored.")
    return figure("Return", shown, axis, Axis(label=name), name=f"{name} over time", caption=" ".join(told))


def _marks(run: Reading, name: str, shown: Sequence[Series]) -> list[Series]:
    """Levels to compare with: where the environment counts as solved, and what a policy that knows nothing returns."""
    places = [x for series in shown for x, _ in series.points]
    levels: list[tuple[str, float]] = []
    if (goal := goal_of(run, name)) is not None:
        levels.append((f"solved ({goal:g})", goal))
    for policy in policies(run.evaluated.get(run.split, {})) if name == "return" else ():
        levels.append(
            (
                f"{policy.what.removeprefix('a ')} ({number(policy.mean)}{_of_fewer(run, len(policy.returns))})",
                policy.mean,
            )
        )
    low, high = min(places), max(places)
    if not high > low:
        return []
    lines = zip((HELP, HELP_TOO), levels, strict=False)
    return [Series(name=text, points=[(low, y), (high, y)], colour=colour) for colour, (text, y) in lines]


def _of_fewer(run: Reading, played: int) -> str:
    """That a policy has played fewer episodes than the run was evaluated on, to which the curve is no answer."""
    whole = (run.data.get("splits") or {}).get(run.split)
    return f", of {counted(played, 'episode', 'episodes')}" if isinstance(whole, int) and played < whole else ""


def _episodes(run: Reading) -> int | None:
    found = (run.data.get("splits") or {}).get("validation")
    return found if isinstance(found, int) and found > 1 else None


def _band(run: Reading, name: str, points: Sequence[Point]) -> tuple[list[Point], list[Point]]:
    """(lower, upper) ends of the interval of each mean; nothing where the number of episodes or their spread is not known."""
    episodes, spread = _episodes(run), dict(metric_of(run, f"{name}_std"))
    known = [(x, y, spread[x]) for x, y in points if y is not None and spread.get(x) is not None]
    if episodes is None or len(known) < 2:
        return [], []
    ends = [(x, around_mean(y, float(std or 0.0), episodes)) for x, y, std in known]
    return [(x, found.low) for x, found in ends], [(x, found.high) for x, found in ends]


def _lengths(run: Reading) -> Figure | None:
    """None where an episode's length is its return, as where each step earns 1."""
    evaluated, train = metric_of(run, "length"), logged(run, "train_length")
    if evaluated == metric_of(run, run.metric or "return") and train == logged(run, "train_return"):
        return None
    shown = [
        Series(name="training", points=train, colour=1),
        Series(name="evaluation", points=evaluated, colour=2, dots=len(evaluated) <= 60),
    ]
    shown = [series for series in shown if finite(series.points)]
    if not shown:
        return None
    caption = captions.of_metric(
        "an episode's length in evaluations", evaluated, across(run).label, captions.short, None
    )
    axis = Axis(label="steps of an episode", zero=True)
    return figure("Length of an episode", shown, across(run), axis, name="Length over time", caption=caption)


def _expected(run: Reading) -> Figure | None:
    """What values said of an episode at its first step, beside what became of it."""
    expected, found = metric_of(run, "expected_return"), metric_of(run, "bootstrapped_return")
    found = found or metric_of(run, "discounted_return")  # of earlier versions
    if not finite(expected) or not finite(found):
        return None
    part = metric_of(run, "bootstrapped_part")
    values = dict(part)
    rewards: list[Point] = [(x, y - float(values[x] or 0.0)) for x, y in found if y is not None and x in values]
    shown = [
        Series(name="expected", points=expected, colour=4, dots=len(expected) <= 60),
        Series(name="returned", points=found, colour=2, dots=len(found) <= 60),
    ]
    if any(value for value in values.values()):
        shown.append(Series(name="rewards alone", points=rewards, colour=1, dots=len(rewards) <= 60))
    axis = Axis(label="bootstrapped discounted return")
    last = finite(part)[-1] if finite(part) else 0.0
    caption = (
        f"{over_or_under(finite(expected)[-1], finite(found)[-1], last)} Means of what the value said at an episode's "
    )
    caption += (
        "first step, and of what that episode then returned, discounted alike; where it was cut off, with the value of "
    )
    caption += "its last observation for what would have followed, so that it may lie above the return."
    return figure(
        "Expected and found return", shown, across(run), axis, name="Expected and found return", caption=caption
    )


def over_or_under(expected: float, found: float, part: float = 0.0) -> str:
    """How what was expected compares with what became of it, in a sentence.

    part: of what became of it, what is a value too: where that is most of it, values that agree confirm one another alone

    >>> over_or_under(15.7, 81.5), over_or_under(-10.0, -10.5)
    ('Underestimated: 15.7 were expected, 81.5 returned.', 'As expected: -10.0 were expected, -10.5 returned.')
    >>> over_or_under(0.864, 0.823, 0.823)
    'Not confirmed: 0.864 were expected, and rewards came to 0; the other 0.823 is the value of where episodes were cut off.'
    """
    told = f"{number(expected)} were expected, {number(found)} returned"
    if part:
        told += f", of which {number(part)} is the value of where episodes were cut off"
    if abs(expected - found) > WANDERING * max(abs(expected), abs(found)):
        return f"{'Over' if expected > found else 'Under'}estimated: {told}."
    rewards = 0.0 if math.isclose(found, part) else found - part
    if abs(part) > MOSTLY * (abs(part) + abs(rewards)):
        told = f"{number(expected)} were expected, and rewards came to {number(rewards)}"
        return f"Not confirmed: {told}; the other {number(part)} is the value of where episodes were cut off."
    return f"As expected: {told}."


def _parts(run: Reading) -> list[Figure]:
    """A figure for each further number of the losses, and of what is replayed."""
    names = list(dict.fromkeys(key for line in run.steps for key in line))
    shown = [name for name in names if name in CURVES or ("/" in name and not name.endswith(("/lr", "/loss")))]
    known = sorted(shown, key=lambda name: _curve(name) is None)[:MOST_PARTS]
    found = [_part(run, name) for name in known]
    return [each for each in found if each is not None]


def _curve(name: str) -> Curve | None:
    return CURVES.get(name) or CURVES.get(name.rpartition("/")[2])


def _part(run: Reading, name: str) -> Figure | None:
    points = logged(run, name)
    course = captions.course(points)
    if course is None:
        return None
    curve = _curve(name) or Curve(name, "value", "")
    say: Callable[[float], str] = captions.short
    told = captions.sentence(captions.there_and_back("it", points, across(run).label, say))
    series = [Series(name=curve.title, points=points, colour=3)]
    axis = Axis(label=curve.label, bounds=curve.bounds)
    return figure(
        curve.title, series, across(run), axis, name=f"{curve.title} over time", caption=f"{told} {curve.reads}".strip()
    )
