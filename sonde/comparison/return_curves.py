"""What policies returned while they learned, over the steps of their environment: of several seeds the mean, with a band."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from sonde.comparison.curves import COLOURS, FEWEST, clock, keys_of
from sonde.comparison.members import clipped
from sonde.comparison.units import ENOUGH, Family, Unit
from sonde.core.units import counted, metric_name
from sonde.metrics.intervals import student
from sonde.report.figures import Axis, Series, curves
from sonde.report.folder import Reading
from sonde.report.learning import Figure, averaged, metric_of
from sonde.report.scale import Point, thinned

MOST = 300  # points of a curve
LEAST_PART = 0.2  # of the way to the last of its points, that a curve goes along: less is a stub
MOST_GREY = 30  # units beyond the colours that are drawn at all
OFTEN = '--evaluate-every "100 steps" evaluates more often.'
SOME_SELDOM = f"Some runs were evaluated too seldom while they trained for a curve: {OFTEN}"
SELDOM = f"No run was evaluated often enough while it trained for a curve: {OFTEN}"
EXPLORED = "These are episodes that are learned from, whose actions explore, so that they may return less."
BAND = (
    f"Of {ENOUGH} seeds or more the mean, with a band: its 95 % interval (Student's t) at each place, up to where all seeds were "
    "trained."
)


def return_figures(family: Family) -> list[Figure]:
    """By steps of the environment, and by time; where runs have no curves there, training's returns before them."""
    longest = max(
        (clock(part)[1][-1] for member in family.members for part in member.parts if clock(part)[1]), default=0.0
    )
    unit, size = ("hours", 3600.0) if longest > 2 * 3600 else ("minutes", 60.0) if longest > 120 else ("seconds", 1.0)
    found = [
        _figure(family, "environment step", "environment steps", lambda run: _by_taken(run, family.metric)),
        _figure(family, unit, "time", lambda run: _by_time(run, family.metric, size)),
    ]
    drawn = [figure for figure in found if figure is not None]
    if not drawn:
        return _while_training(family, SELDOM)
    return (_while_training(family, SOME_SELDOM) if _hidden(family) else []) + drawn


def missing(family: Family) -> str:
    """Why there is no figure of what acts; "" where there is one."""
    return "" if not family.acts or return_figures(family) else f"There are no curves. {SELDOM}"


def _hidden(family: Family) -> bool:
    """Whether a run that acted has no curve of evaluations, and would have one of training."""
    parts = [part for member in family.members for part in member.parts]
    return any(
        _is_curve(_known(_by_training(part))) and not _is_curve(_known(_by_taken(part, family.metric)))
        for part in parts
    )


def _is_curve(points: Sequence[tuple[float, float]]) -> bool:
    """Whether points say something of the way there, and not of its end alone."""
    return len(points) >= FEWEST and points[-1][0] - points[0][0] >= LEAST_PART * points[-1][0]


def _known(points: Sequence[Point]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if y is not None]


def _while_training(family: Family, why: str) -> list[Figure]:
    """What episodes returned that were learned from, where evaluations say nothing of the way there."""
    title = "Mean return of the last episodes of training (up to 100)"
    found = _figure(family, "environment step", "environment steps", _by_training, title=title)
    return [] if found is None else [replace(found, caption=f"{why} {EXPLORED} {found.caption}".strip())]


def _figure(
    family: Family, axis: str, by: str, read: Callable[[Reading], list[Point]], *, title: str = ""
) -> Figure | None:
    keys, series, dots, banded, left_out = keys_of(family), list[Series](), list[Series](), False, 0
    for unit in family.units[: COLOURS + MOST_GREY]:
        key, colour = keys[unit.name]
        style = {"name": clipped(unit.name, 40), "colour": colour, "faint": not colour, "key": key}
        every = [points for member in unit.members for part in member.parts if (points := _known(read(part)))]
        drawn = [points for points in every if _is_curve(points)]
        seldom = [points for points in every if not _is_curve(points)]
        left_out += 0 if colour else len(seldom)
        dots += [Series(points=points, line=False, dots=True, **style) for points in seldom if colour]
        found = _together(unit, drawn)
        if found is None:
            series += [Series(points=thinned(points, MOST), **style) for points in drawn]
            continue
        mean, low, high = found
        banded = True
        series += [Series(points=mean, **style), Series(points=high, down_to=low, **{**style, "name": ""})]
    if not series:
        return None
    name = metric_name(family.metric)
    title = f"{title or f'{name[:1].upper()}{name[1:]} in evaluations'}, by {by}"
    picture = curves([*series, *dots], Axis(label=axis, zero=True), Axis(label=name), name=title, legend=False)
    told = [BAND] if banded else []
    if by == "time":
        told.append("Since the first step; starting and planning are left out.")
    if dots:
        told.append("Dots are evaluations of runs that have too few, or too close together, for a curve.")
    if left_out:
        told.append(f"{counted(left_out, 'run', 'runs')} without a curve {'is' if left_out == 1 else 'are'} not drawn.")
    return Figure(title=title, svg=picture, caption=" ".join(told))


def _together(
    unit: Unit, drawn: Sequence[Sequence[tuple[float, float]]]
) -> tuple[list[Point], list[Point], list[Point]] | None:
    """(means, lower ends, upper ends) at the places of any seed that lie within the curves of all; None of too few seeds."""
    if len(drawn) < ENOUGH or len(drawn) < len(unit.members):
        return None
    begin, end = max(points[0][0] for points in drawn), min(points[-1][0] for points in drawn)
    places = sorted({x for points in drawn for x, _ in points if begin <= x <= end})
    if len(places) < FEWEST:
        return None
    places = places[:: max(1, -(-len(places) // MOST))]
    values = np.array([np.interp(places, [x for x, _ in points], [y for _, y in points]) for points in drawn])
    around = [student(column) for column in values.T]
    ends = [(x, each.low, each.high) for x, each in zip(places, around, strict=True)]
    mean: list[Point] = [(x, float(y)) for x, y in zip(places, values.mean(0), strict=True)]
    return mean, [(x, low) for x, low, _ in ends], [(x, high) for x, _, high in ends]


def _by_taken(run: Reading, name: str) -> list[Point]:
    """Over steps of the environment, of which what learns from a log takes none."""
    return metric_of(run, name) if run.acts else []


def _by_training(run: Reading) -> list[Point]:
    """The return of training over steps of the environment."""
    pairs = [(line.get("environment_steps"), line.get("train_return")) for line in run.steps]
    return averaged(
        [(float(x), float(y)) for x, y in pairs if isinstance(x, int | float) and isinstance(y, int | float)]
    )


def _by_time(run: Reading, name: str, size: float) -> list[Point]:
    """Over the time of training: an evaluation's is that of the step of training after which it was made."""
    steps, seconds = clock(run)
    lines = [line for line in run.comparable("validation") if isinstance(line.get("step"), int)]
    if len(steps) < FEWEST:
        return []
    found = [(line["step"], (line.get("metrics") or {}).get(name)) for line in lines]
    known = [(step, float(value)) for step, value in found if isinstance(value, int | float) and np.isfinite(value)]
    return [(float(np.interp(step, steps, seconds)) / size, value) for step, value in known]
