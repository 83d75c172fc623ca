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
MOST_GREY = 30  # units beyond the colours that are drawn at all
SOME_SELDOM = (
    'Some runs were not evaluated twice while they trained: --evaluate-every "100 steps" evaluates more often.'
)
SELDOM = 'No run was evaluated twice while it trained: --evaluate-every "100 steps" evaluates more often.'
EXPLORED = "These are episodes that are learned from, whose actions explore, so that they may return less."
BAND = (
    f"Of {ENOUGH} seeds or more the mean, with a band: its 95 % interval (Student's t) at each place, up to where all seeds were "
    "trained."
)


def return_figures(family: Family) -> list[Figure]:
    """By steps of the environment, and by time; those that have two points; where runs are in none, also training's returns."""
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
    return drawn + (_while_training(family, SOME_SELDOM) if _hidden(family) else [])


def missing(family: Family) -> str:
    """Why there is no figure of what acts; "" where there is one."""
    return "" if not family.acts or return_figures(family) else f"There are no curves. {SELDOM}"


def _hidden(family: Family) -> bool:
    """Whether a run that acted is in no figure of evaluations, and would be in one of training."""
    parts = [part for member in family.members for part in member.parts]
    return any(
        len(_known(_by_taken(part, family.metric))) < FEWEST <= len(_known(_by_training(part))) for part in parts
    )


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
    keys, series, banded, left_out = keys_of(family), list[Series](), False, 0
    for unit in family.units[: COLOURS + MOST_GREY]:
        key, colour = keys[unit.name]
        drawn = [_known(read(part)) for member in unit.members for part in member.parts]
        left_out += sum(0 < len(points) < FEWEST for points in drawn)
        drawn = [points for points in drawn if len(points) >= FEWEST]
        found = _together(unit, drawn)
        if found is None:
            style = {"colour": colour, "faint": not colour, "key": key}
            series += [Series(name=clipped(unit.name, 40), points=thinned(points, MOST), **style) for points in drawn]
            continue
        mean, low, high = found
        banded = True
        series.append(Series(name=clipped(unit.name, 40), points=mean, colour=colour, faint=not colour, key=key))
        series.append(Series(name="", points=high, down_to=low, colour=colour, key=key))
    if not series:
        return None
    name = metric_name(family.metric)
    title = f"{title or f'{name[:1].upper()}{name[1:]} in evaluations'}, by {by}"
    picture = curves(series, Axis(label=axis, zero=True), Axis(label=name), name=title, legend=False)
    told = [BAND] if banded else []
    if by == "time":
        told.append("Since the first step; starting and planning are left out.")
    if left_out:
        told.append(
            f"{counted(left_out, 'run', 'runs')} without two points {'is' if left_out == 1 else 'are'} not drawn."
        )
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
