"""The curves of several runs in one figure each: training loss and validation metric, by step and by time."""

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sonde.comparison.members import Member, clipped
from sonde.comparison.units import Family
from sonde.core.units import counted, is_share, metric_name
from sonde.report.figures import Axis, Series, curves
from sonde.report.folder import Reading
from sonde.report.learning import Figure
from sonde.report.scale import Point, fit, smoothed, thinned

COLOURS = 8  # units that have a colour; the curves of the rest are grey
MOST_GREY = 60  # further runs whose curves are drawn at all
LOG_RATIO = 30.0  # a loss that falls by more than this is drawn on a logarithmic axis, as in the report
POINTS = 4800  # of all curves of a figure together, for the page's size
FEWEST = 2  # points, below which there is no curve

Along = Callable[[Reading, int], float | None]


def keys_of(family: Family) -> dict[str, tuple[str, int]]:
    """Name of a unit -> (key of its curves, colour 1…8, 0 for grey): the best have the colours."""
    return {unit.name: (str(place), place + 1 if place < COLOURS else 0) for place, unit in enumerate(family.units)}


def curve_figures(family: Family) -> list[Figure]:
    """Those for which at least one run has two points; of a family that learns from rows."""
    by_time = [_seconds(member) for member in family.members]
    longest = max((seconds for seconds in by_time if seconds is not None), default=0.0)
    unit, size = ("hours", 3600.0) if longest > 2 * 3600 else ("minutes", 60.0) if longest > 120 else ("seconds", 1.0)
    found = []
    for title, read, label, share in _quantities(family):
        for axis, along in (("step", _by_step), (unit, _by_seconds(size))):
            figure = _figure(family, title, read, label, axis, along, percent=share)
            found += [figure] if figure is not None else []
    return found


Read = Callable[[Reading, Along], list[Point]]


def _quantities(family: Family) -> list[tuple[str, Read, str, bool]]:
    name = family.metric
    said = {True: ", higher is better", False: ", lower is better", None: ""}[family.higher]

    def loss(run: Reading, along: Along) -> list[Point]:
        points = _points(run, along, [(line, line.get("loss")) for line in run.steps])
        window = max(1, len(points) // 40)
        return smoothed(points, window) if window > 2 else points

    def evaluated(run: Reading, along: Along) -> list[Point]:
        lines = run.comparable("validation")
        return _points(run, along, [(line, (line.get("metrics") or {}).get(name)) for line in lines])

    judged = any(member.judged is not None for member in family.members)  # whose losses may be of different quantities
    found = [("Training loss", loss, "loss", False)] if not judged else []
    if name and not judged:
        found.append((f"Validation {metric_name(name)}{said}", evaluated, metric_name(name), is_share(name)))
    return found


def _figure(
    family: Family, title: str, read: Read, label: str, axis: str, along: Along, *, percent: bool
) -> Figure | None:
    keys, series = keys_of(family), list[Series]()
    drawn = [(unit, member) for unit in family.units for member in unit.members][: COLOURS * 4 + MOST_GREY]
    most = max(60, POINTS // max(1, len(drawn)))
    left_out = 0
    for unit, member in drawn:
        key, colour = keys[unit.name]
        for points in (read(part, along) for part in member.parts):
            known = [y for _, y in points if y is not None]
            if len(known) < FEWEST:
                left_out += not member.folds
                continue
            shown = [(x, None if y is None else 100 * y) for x, y in points] if percent else points
            name = clipped(member.name, 40)
            series.append(Series(name=name, points=thinned(shown, most), colour=colour, faint=not colour, key=key))
    if not series:
        return None
    values = [y for s in series for _, y in s.points if y is not None]
    log = label == "loss" and min(values) > 0 and max(values) / min(values) > LOG_RATIO
    text = f"{label}{', %' if percent else ', log scale' if log else ''}"
    by = "step" if axis == "step" else "time"
    upwards = Axis(label=text, log=log)
    if percent and max(values) <= 100:  # beyond which no share is
        own = fit(values, start=0, end=1)
        upwards = Axis(label=text, low=max(0.0, own.low), high=min(100.0, own.high))
    picture = curves(series, Axis(label=axis, zero=True), upwards, name=f"{title} by {by}", legend=False)
    return Figure(title=f"{title}, by {by}", svg=picture, caption=_caption(family, by, left_out))


def _caption(family: Family, by: str, left_out: int) -> str:
    text = "Since the first step; starting, reading and planning are left out." if by == "time" else ""
    if left_out:
        text += f" {counted(left_out, 'run', 'runs')} without two points {'is' if left_out == 1 else 'are'} not drawn."
    if len(family.units) > COLOURS:
        text += f" The {COLOURS} first of the table have colours."
    return text.strip()


def _points(run: Reading, along: Along, pairs: Sequence[tuple[Mapping[str, Any], Any]]) -> list[Point]:
    found: list[Point] = []
    for line, value in pairs:
        x = along(run, line["step"]) if isinstance(line.get("step"), int) else None
        if x is not None and (not found or x >= found[-1][0]):
            found.append((x, float(value) if isinstance(value, int | float) and math.isfinite(value) else None))
    return found


def _by_step(run: Reading, step: int) -> float:
    return float(step)


def _by_seconds(size: float) -> Along:
    """The time of a step since the first began: between two logged steps in proportion."""
    known: dict[int, tuple[Reading, list[int], list[float]]] = {}

    def along(run: Reading, step: int) -> float | None:
        if id(run) not in known:
            known[id(run)] = (run, *clock(run))
        _, steps, seconds = known[id(run)]
        if len(steps) < FEWEST:
            return None
        place = bisect_left(steps, step)
        if place < len(steps) and steps[place] == step:
            return seconds[place] / size
        if place == 0 or place == len(steps):
            return seconds[min(place, len(steps) - 1)] / size
        part = (step - steps[place - 1]) / (steps[place] - steps[place - 1])
        return (seconds[place - 1] + part * (seconds[place] - seconds[place - 1])) / size

    return along


def clock(run: Reading) -> tuple[list[int], list[float]]:
    """(steps, seconds since training began) as logged; what came before the first step is told from the pace after it."""
    lines = [line for line in run.steps if _is_timed(line)]
    steps, seconds = [line["step"] for line in lines], [float(line["seconds"]) for line in lines]
    if len(steps) < FEWEST or steps[1] <= steps[0]:
        return steps, seconds
    pace = (seconds[1] - seconds[0]) / (steps[1] - steps[0])
    began = max(0.0, seconds[0] - pace * steps[0])
    return steps, [value - began for value in seconds]


def _is_timed(line: Mapping[str, Any]) -> bool:
    return isinstance(line.get("step"), int) and isinstance(line.get("seconds"), int | float)


def _seconds(member: Member) -> float | None:
    ends = [seconds[-1] for part in member.parts if (seconds := clock(part)[1])]
    return max(ends, default=None)
