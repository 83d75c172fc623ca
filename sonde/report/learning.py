"""Training curves: losses, the metric, the learning rate, the gradient norm, the range test."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup

from sonde.core.units import OF_ONE, is_share, metric_name, number, share, size
from sonde.report import captions
from sonde.report.figures import Axis, Series, curves
from sonde.report.folder import Reading
from sonde.report.metric_words import direction
from sonde.report.scale import Point, smoothed
from sonde.report.taken import measure_of

LOG_RATIO = 30.0  # a loss that falls by more than this is drawn on a logarithmic axis
MOST_PARTS = 4  # further curves of a multi-part loss are left out
MOST_LOGGED = 8  # numbers of observers that get a figure
MOST_METRICS = 4  # that get a figure besides the one that is read first
FEWEST = 3  # points; fewer are a sentence

LOSS_TERMS = "Loss terms"  # title of the figure of all that was logged beside the loss
RATE = "/lr"  # of a phase, beside others
_STEP_KEYS = {"kind", "step", "epoch", "loss", "lr", "norm", "seconds", "rows", "samples_per_s"}
_MEMORY = {"memory_bytes": "process and workers", "device_memory_bytes": "device"}
_STEP_KEYS |= set(_MEMORY)
GB = 1e9


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure with a caption that says how to read it. wide: over both columns of the page."""

    title: str
    svg: Markup
    caption: str
    wide: bool = False


def learning_figures(run: Reading) -> list[Figure]:
    """The figures of whatever was logged so far."""
    figures = [_loss(run), _metric(run), _parts(run), *_further_metrics(run), _rate(run), _norm(run)]
    return [each for each in (*figures, *_of_any_run(run)) if each is not None]


def optimisation_figures(run: Reading) -> list[Figure]:
    """Of these, those that tell how steps were taken, whatever was learned."""
    figures = [_loss(run), _rate(run), _norm(run), *_of_any_run(run)]
    return [each for each in figures if each is not None]


def _of_any_run(run: Reading) -> list[Figure | None]:
    return [_throughput(run), _memory(run), _range_test(run), *_logged(run)]


def _loss(run: Reading) -> Figure | None:
    train = logged(run, "loss")
    evaluated = validation_of(run)
    if not finite(train):
        return None
    window = max(1, len(train) // 40)
    shown = [
        Series(name="train", points=train, colour=1, faint=window > 2),
        *([Series(name="train", points=smoothed(train, window), colour=1)] if window > 2 else []),
        *([Series(name="validation", points=evaluated, colour=2, dots=len(evaluated) <= 60)] if evaluated else []),
    ]
    log = _wants_log([y for s in shown for _, y in s.points])
    phase = phase_of(run)
    axis = across(run)
    caption = captions.of_losses(train, evaluated, axis.label)
    if phase:
        caption += f" Of the phase {phase}, the first of those at work; the others are among the loss terms."
        caption += " A validation loss may add them up: the two are not to be compared." * bool(evaluated)
    label = Axis(label=f"loss{', log scale' if log else ''}", log=log)
    return figure("Loss", shown, axis, label, name="Loss over time", caption=caption)


def figure(
    title: str,
    shown: Sequence[Series],
    x: Axis,
    y: Axis,
    *,
    name: str,
    caption: str,
    mark: tuple[float, str] | None = None,
) -> Figure:
    """Curves, or where none has enough points for one their caption alone."""
    if max(len(finite(series.points)) for series in shown) < FEWEST:
        return Figure(title=title, svg=Markup(), caption=f"{caption} Too few points for a curve.")
    return Figure(title=title, svg=curves(shown, x, y, name=name, mark=mark), caption=caption)


def _metric(run: Reading) -> Figure | None:
    name = run.metric or next((n for line in run.evaluations for n in line.get("metrics") or {}), "")
    points = metric_of(run, name)
    if not finite(points):
        return None
    best = (run.result.get("best") or {}).get("step")
    mark = (_x(run, best), "best checkpoint" if run.chosen else "kept: the last weights") if best else None
    words = metric_name(name)
    title = f"Validation {words}"
    if is_share(name):
        points = [(x, None if y is None else 100 * y) for x, y in points]
    label = words + (", %" if is_share(name) else "")
    bounds = (0.0, 100.0) if is_share(name) else (0.0, 1.0) if name.partition("/")[0] in OF_ONE else None
    axis, say = across(run), (lambda y: share(y / 100)) if is_share(name) else captions.short
    caption = captions.of_metric(f"validation {words}", points, axis.label, say, direction(run, name))
    caption += run.left_out("validation")
    caption += " The last weights are kept, whatever they score here." * bool(best and not run.chosen)
    series = [Series(name=title, points=points, colour=2, dots=len(points) <= 60)]
    return figure(
        title, series, axis, Axis(label=label, bounds=bounds), name=f"{title} over time", caption=caption, mark=mark
    )


def _parts(run: Reading) -> Figure | None:
    names = [
        name
        for name in dict.fromkeys(key for line in run.steps for key in line)
        if name not in _STEP_KEYS and not name.endswith(RATE)
    ]
    found = [(name, logged(run, name)) for name in names]
    # a count of what went wrong that stayed at nothing is no part worth a picture
    shown = [(name, points) for name, points in found if any(finite(points))][:MOST_PARTS]
    if not shown:
        return None
    series = [Series(name=name, points=points, colour=place + 1) for place, (name, points) in enumerate(shown)]
    told = [captions.moved(name, found) for name, points in shown if (found := captions.course(points)) is not None]
    caption = captions.sentence("; ".join(told))
    return figure(LOSS_TERMS, series, across(run), Axis(label="value"), name="Loss terms over time", caption=caption)


def _logged(run: Reading) -> list[Figure]:
    """One figure for each number that an observer logged: nothing is known of their scales."""
    names = list(dict.fromkeys(name for line in run.logged for name in line.get("values") or {}))
    found = []
    for name in names:
        points = _points(run, [(line, line["values"][name]) for line in run.logged if name in line["values"]])
        if len(found) < MOST_LOGGED and finite(points):
            series = [Series(name=name, points=points, colour=1, dots=len(points) <= 60)]
            told = captions.moved("it", course) if (course := captions.course(points)) is not None else ""
            caption = f"Logged by an observer; {told}."
            found.append(figure(name, series, across(run), Axis(label=name), name=f"{name} over time", caption=caption))
    return found


def _rate(run: Reading) -> Figure | None:
    points = logged(run, "lr")
    if not finite(points):
        return None
    several = list(dict.fromkeys(key for line in run.steps for key in line if key.endswith(RATE)))[:MOST_PARTS]
    series = [Series(name="learning rate", points=points, colour=3)]
    if several:
        named = [(key.removesuffix(RATE), logged(run, key)) for key in several]
        series = [Series(name=name, points=points, colour=place + 1) for place, (name, points) in enumerate(named)]
    axis, label = across(run), Axis(label="learning rate", zero=True)
    caption = captions.of_rate(points, axis.label)
    return figure("Learning rate", series, axis, label, name="Learning rate over time", caption=caption)


def _norm(run: Reading) -> Figure | None:
    points = logged(run, "norm")
    if not finite(points):
        return None
    log = _wants_log([y for _, y in points])
    axis = Axis(label=f"norm{', log scale' if log else ''}", log=log)
    series = [Series(name="gradient norm", points=points, colour=4)]
    over, clip = across(run), (run.config.get("settings") or {}).get("clip")
    caption = captions.of_norm(points, over.label, float(clip) if isinstance(clip, int | float) else 0.0)
    return figure("Gradient norm", series, over, axis, name="Gradient norm over time", caption=caption)


def _range_test(run: Reading) -> Figure | None:
    rates, losses = run.lr_range.get("lr") or [], run.lr_range.get("loss") or []
    points = [(float(lr), _number(loss)) for lr, loss in zip(rates, losses, strict=False) if lr and lr > 0]
    if len(finite(points)) < FEWEST:
        return None
    chosen = run.lr_range.get("chosen")
    floor = min(finite(points))
    ceiling = max(points[0][1] or 0.0, floor) * 1.5  # beyond this it has diverged, and would flatten all the rest
    seen = [(lr, loss if loss is None or loss <= ceiling else None) for lr, loss in points]
    figure = curves(
        [Series(name="loss", points=seen if len(finite(seen)) > 1 else points, colour=1)],
        Axis(label="learning rate, log scale", log=True),
        Axis(label="loss"),
        name="Loss over the learning rate",
        mark=(chosen, f"chosen {number(chosen, 2)}") if chosen else None,
    )
    caption = captions.of_range_test(points, chosen if isinstance(chosen, int | float) else None)
    return Figure(title="Learning-rate range test", svg=figure, caption=caption)


def logged(run: Reading, key: str) -> list[Point]:
    """A number of the lines about steps."""
    return _points(run, [(line, line[key]) for line in run.steps if key in line])


def validation_of(run: Reading) -> list[Point]:
    """The validation loss by epoch or step: of the metrics the one that is comparable with the training loss, if there is one."""
    return next((found for name in ("loss", "log_loss") if finite(found := metric_of(run, name))), [])


def train_of(run: Reading) -> list[Point]:
    """The training loss by epoch or step."""
    return logged(run, "loss")


def phase_of(run: Reading) -> str:
    """Of which phase alone the training loss is, where several are at work; "" where there is one."""
    return next((key.removesuffix(RATE) for line in run.steps for key in line if key.endswith(RATE)), "")


def axis_of(run: Reading) -> str:
    """What curves are drawn over: "epoch" or "step"."""
    return across(run).label


def metric_of(run: Reading, metric: str) -> list[Point]:
    """A metric of the validation data by epoch or step."""
    return _of_split(run, metric, "validation")


def _of_split(run: Reading, metric: str, split: str) -> list[Point]:
    lines = [line for line in run.comparable(split) if metric in (line.get("metrics") or {})]
    return _points(run, [(line, (line.get("metrics") or {}).get(metric)) for line in lines])


def _points(run: Reading, pairs: Sequence[tuple[Mapping[str, Any], Any]]) -> list[Point]:
    found = [(_x(run, line["step"]), _number(value)) for line, value in pairs if isinstance(line.get("step"), int)]
    return averaged(found) if run.acts else found


def averaged(points: Sequence[Point]) -> list[Point]:
    """One point for each place: of updates that learned from the same experience the mean.

    >>> averaged([(0.0, 1.0), (0.0, 3.0), (8.0, None), (8.0, 4.0)])
    [(0.0, 2.0), (8.0, 4.0)]
    """
    held: dict[float, list[float]] = {}
    for x, y in points:
        held.setdefault(x, []).extend([] if y is None else [y])
    return [(x, sum(values) / len(values) if values else None) for x, values in held.items()]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _x(run: Reading, step: int) -> float:
    if run.acts:
        steps, taken = run.taken
        place = bisect_right(steps, step) - 1
        return taken[place] if place >= 0 else 0.0
    batches = _batches(run)
    return step / batches if batches else float(step)


def _batches(run: Reading) -> int | None:
    """Steps of an epoch, where the run is long enough for epochs to be its measure."""
    batches = run.plan.get("batches_per_epoch")
    return batches if batches and run.last_step >= 2 * batches else None


def across(run: Reading) -> Axis:
    """What curves are drawn over."""
    label = "environment step" if run.acts else "epoch" if _batches(run) else "step"
    if run.window is not None:
        return Axis(label=label, low=run.window[0], high=run.window[1])
    return Axis(label=label, zero=True)


def within(run: Reading, low: float, high: float) -> Reading:
    """The part of a run between two places on the x axis of its curves (epochs or steps): more detail of it is drawn."""

    def part(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return [line for line in lines if isinstance(line.get("step"), int) and low <= _x(run, line["step"]) <= high]

    return replace(
        run,
        steps=part(run.steps),
        evaluations=part(run.evaluations),
        logged=part(run.logged),
        window=(low, high),
        reached=run.last_step,
    )


def _further_metrics(run: Reading) -> list[Figure]:
    """A figure for each further metric of the evaluations, with a curve for each split; none for one that looks like another."""
    first = run.metric or next((n for line in run.evaluations for n in line.get("metrics") or {}), "")
    splits = list(dict.fromkeys(str(line.get("split")) for line in run.evaluations))
    names = list(dict.fromkeys(name for line in run.evaluations for name in line.get("metrics") or {}))
    seen, found = [metric_of(run, name) for name in (first, "loss", "log_loss")], []
    for name in names:
        scale = 100 if is_share(name) else 1
        curves_of = {split: _of_split(run, name, split) for split in splits}
        longest = max(map(len, map(finite, curves_of.values())), default=0)
        if name in (first, "loss", "log_loss") or longest < FEWEST or any(p in seen for p in curves_of.values()):
            continue
        seen += curves_of.values()
        series = [
            Series(
                name=split,
                points=[(x, None if y is None else scale * y) for x, y in points],
                colour=1 if split == "train" else 2 if split == "validation" else 3,
                dots=len(points) <= 60,
            )
            for split, points in curves_of.items()
            if points
        ]
        label = metric_name(name) + (", %" if scale == 100 else "")
        figure = curves(series, across(run), Axis(label=label), name=f"{metric_name(name)} over time")
        caption = f"On the {' and the '.join(s.name for s in series)} data, at each evaluation."
        found.append(Figure(title=_first_large(metric_name(name)), svg=figure, caption=caption))
    return found[:MOST_METRICS]


def _first_large(text: str) -> str:
    return text[:1].upper() + text[1:]


def _throughput(run: Reading) -> Figure | None:
    """Rows per second between the logged steps, without the evaluations in between; of a run that acts or plays games what its
    key figures and its live page count: steps of environments, moves."""
    measure = measure_of(run)
    if measure is not None and any(measure.paced in line for line in run.steps):
        key, what, told = measure.paced, measure.pace, measure.drawn
        lines = _where_it_grew(run.steps, key)
    else:  # of games of earlier versions positions alone are known
        key, what, lines = "rows", "positions" if run.plays else "rows", run.steps
        told = f"{_first_large(what)} trained on"
    spent = {int(line["step"]): 0.0 for line in lines}
    evaluated = sorted((line["step"], float(line.get("seconds") or 0.0)) for line in run.evaluations)
    points: list[Point] = []
    for before, line in zip(lines, lines[1:], strict=False):
        while evaluated and evaluated[0][0] < line["step"]:
            step, seconds = evaluated.pop(0)
            if step >= before["step"]:
                spent[line["step"]] += seconds
        rows, seconds = (_difference(before, line, each) for each in (key, "seconds"))
        if rows is not None and seconds is not None and seconds > spent[line["step"]]:
            points.append((_x(run, line["step"]), rows / (seconds - spent[line["step"]])))
    if len(points) < FEWEST:
        return None
    window = max(1, len(points) // 40)
    name = f"{what} per second"
    series = [Series(name=name, points=points, colour=3, faint=window > 2)]
    series += [Series(name=name, points=smoothed(points, window), colour=3)] if window > 2 else []
    drawn = curves(series, across(run), Axis(label=name, zero=True), name="Throughput over time")
    return Figure(title="Throughput", svg=drawn, caption=f"{told} per second; evaluations are left out.")


def _where_it_grew(lines: Sequence[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    """The lines at which a count is another than in the line before."""
    return [line for before, line in zip([{}, *lines], lines, strict=False) if line.get(key) != before.get(key)]


def _memory(run: Reading) -> Figure | None:
    """What the process and its workers held, and torch of the device."""
    found = {key: [(x, None if y is None else y / GB) for x, y in logged(run, key)] for key in _MEMORY}
    shown = {key: points for key, points in found.items() if len(finite(points)) >= FEWEST}
    if not shown:
        return None
    series = [
        Series(name=_MEMORY[key], points=points, colour=4 if key == "memory_bytes" else 1)
        for key, points in shown.items()
    ]
    figure = curves(series, across(run), Axis(label="memory, GB", zero=True), name="Memory over time")
    told = [f"{size(max(finite(points)) * GB)} of the {_MEMORY[key]}" for key, points in shown.items()]
    caption = f"Memory that was held, at most {' and '.join(told)}; it should not grow for long."
    return Figure(title="Memory", svg=figure, caption=caption)


def most_memory(run: Reading) -> float | None:
    """The most bytes that the process and its workers held at a logged step; None where that was not noted."""
    return max(finite(logged(run, "memory_bytes")), default=None)


def _difference(before: Mapping[str, Any], line: Mapping[str, Any], key: str) -> float | None:
    """By how much a count grew from one line to the next; None where it did not, as after a resume that went back."""
    first, last = _number(before.get(key)), _number(line.get(key))
    return last - first if first is not None and last is not None and last > first else None


def finite(points: Sequence[Point]) -> list[float]:
    """Their values, without those that are none."""
    return [y for _, y in points if y is not None]


def _wants_log(values: Sequence[float | None]) -> bool:
    shown = [value for value in values if value is not None]
    return bool(shown) and min(shown) > 0 and max(shown) / min(shown) > LOG_RATIO
