"""Training curves: losses, the metric, the learning rate, the gradient norm, the range test."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from sonde.core.units import is_share, metric_name, number, share
from sonde.report import captions
from sonde.report.figures import Axis, Series, curves
from sonde.report.folder import Reading
from sonde.report.metric_words import direction
from sonde.report.scale import Point, smoothed

LOG_RATIO = 30.0  # a loss that falls by more than this is drawn on a logarithmic axis
MOST_PARTS = 4  # further curves of a multi-part loss are left out
MOST_LOGGED = 8  # numbers of observers that get a figure
FEWEST = 3  # points; fewer are a sentence

RATE = "/lr"  # of a phase, beside others
_STEP_KEYS = {"kind", "step", "epoch", "loss", "lr", "norm", "seconds", "rows", "samples_per_s"}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure with a caption that says how to read it. wide: over both columns of the page."""

    title: str
    svg: Markup
    caption: str
    wide: bool = False


def learning_figures(run: Reading) -> list[Figure]:
    """The figures of whatever was logged so far."""
    figures = [_loss(run), _metric(run), _parts(run), _rate(run), _norm(run), _range_test(run), *_logged(run)]
    return [figure for figure in figures if figure is not None]


def _loss(run: Reading) -> Figure | None:
    train = _series(run, "loss")
    evaluated = validation_of(run)
    if not _finite(train):
        return None
    window = max(1, len(train) // 40)
    shown = [
        Series(name="train", points=train, colour=1, faint=window > 2),
        *([Series(name="train", points=smoothed(train, window), colour=1)] if window > 2 else []),
        *([Series(name="validation", points=evaluated, colour=2, dots=len(evaluated) <= 60)] if evaluated else []),
    ]
    log = _wants_log([y for s in shown for _, y in s.points])
    phase = next((key.removesuffix(RATE) for line in run.steps for key in line if key.endswith(RATE)), "")
    axis = _across(run)
    caption = captions.of_losses(train, evaluated, axis.label)
    if phase:
        caption += f" Of the phase {phase}, the first of those at work; the others are among the loss terms."
    label = Axis(label=f"loss{', log scale' if log else ''}", log=log)
    return _figure("Loss", shown, axis, label, name="Loss over time", caption=caption)


def _figure(
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
    if max(len(_finite(series.points)) for series in shown) < FEWEST:
        return Figure(title=title, svg=Markup(), caption=f"{caption} Too few points for a curve.")
    return Figure(title=title, svg=curves(shown, x, y, name=name, mark=mark), caption=caption)


def _metric(run: Reading) -> Figure | None:
    name = run.metric or next((n for line in run.evaluations for n in line.get("metrics") or {}), "")
    points = metric_of(run, name)
    if not _finite(points):
        return None
    best = (run.result.get("best") or {}).get("step")
    mark = (_x(run, best), "best checkpoint") if best else None
    words = metric_name(name)
    title = f"Validation {words}"
    if is_share(name):
        points = [(x, None if y is None else 100 * y) for x, y in points]
    label = words + (", %" if is_share(name) else "")
    axis, say = _across(run), (lambda y: share(y / 100)) if is_share(name) else captions.short
    caption = captions.of_metric(f"validation {words}", points, axis.label, say, direction(run, name))
    series = [Series(name=title, points=points, colour=2, dots=len(points) <= 60)]
    return _figure(title, series, axis, Axis(label=label), name=f"{title} over time", caption=caption, mark=mark)


def _parts(run: Reading) -> Figure | None:
    names = [
        name
        for name in dict.fromkeys(key for line in run.steps for key in line)
        if name not in _STEP_KEYS and not name.endswith(RATE)
    ]
    found = [(name, _series(run, name)) for name in names]
    # a count of what went wrong that stayed at nothing is no part worth a picture
    shown = [(name, points) for name, points in found if any(_finite(points))][:MOST_PARTS]
    if not shown:
        return None
    series = [Series(name=name, points=points, colour=place + 1) for place, (name, points) in enumerate(shown)]
    told = [captions.moved(name, found) for name, points in shown if (found := captions.course(points)) is not None]
    caption = captions.sentence("; ".join(told))
    return _figure(
        "Loss terms", series, _across(run), Axis(label="value"), name="Loss terms over time", caption=caption
    )


def _logged(run: Reading) -> list[Figure]:
    """One figure for each number that an observer logged: nothing is known of their scales."""
    names = list(dict.fromkeys(name for line in run.logged for name in line.get("values") or {}))
    found = []
    for name in names:
        points = _points(run, [(line, line["values"][name]) for line in run.logged if name in line["values"]])
        if len(found) < MOST_LOGGED and _finite(points):
            series = [Series(name=name, points=points, colour=1, dots=len(points) <= 60)]
            told = captions.moved("it", course) if (course := captions.course(points)) is not None else ""
            caption = f"Logged by an observer; {told}."
            found.append(
                _figure(name, series, _across(run), Axis(label=name), name=f"{name} over time", caption=caption)
            )
    return found


def _rate(run: Reading) -> Figure | None:
    points = _series(run, "lr")
    if not _finite(points):
        return None
    several = list(dict.fromkeys(key for line in run.steps for key in line if key.endswith(RATE)))[:MOST_PARTS]
    series = [Series(name="learning rate", points=points, colour=3)]
    if several:
        named = [(key.removesuffix(RATE), _series(run, key)) for key in several]
        series = [Series(name=name, points=points, colour=place + 1) for place, (name, points) in enumerate(named)]
    axis, label = _across(run), Axis(label="learning rate", zero=True)
    caption = captions.of_rate(points, axis.label)
    return _figure("Learning rate", series, axis, label, name="Learning rate over time", caption=caption)


def _norm(run: Reading) -> Figure | None:
    points = _series(run, "norm")
    if not _finite(points):
        return None
    log = _wants_log([y for _, y in points])
    axis = Axis(label=f"norm{', log scale' if log else ''}", log=log)
    series = [Series(name="gradient norm", points=points, colour=4)]
    across, clip = _across(run), (run.config.get("settings") or {}).get("clip")
    caption = captions.of_norm(points, across.label, float(clip) if isinstance(clip, int | float) else 0.0)
    return _figure("Gradient norm", series, across, axis, name="Gradient norm over time", caption=caption)


def _range_test(run: Reading) -> Figure | None:
    rates, losses = run.lr_range.get("lr") or [], run.lr_range.get("loss") or []
    points = [(float(lr), _number(loss)) for lr, loss in zip(rates, losses, strict=False) if lr and lr > 0]
    if len(_finite(points)) < FEWEST:
        return None
    chosen = run.lr_range.get("chosen")
    floor = min(_finite(points))
    ceiling = max(points[0][1] or 0.0, floor) * 1.5  # beyond this it has diverged, and would flatten all the rest
    seen = [(lr, loss if loss is None or loss <= ceiling else None) for lr, loss in points]
    figure = curves(
        [Series(name="loss", points=seen if len(_finite(seen)) > 1 else points, colour=1)],
        Axis(label="learning rate, log scale", log=True),
        Axis(label="loss"),
        name="Loss over the learning rate",
        mark=(chosen, f"chosen {number(chosen, 2)}") if chosen else None,
    )
    caption = captions.of_range_test(points, chosen if isinstance(chosen, int | float) else None)
    return Figure(title="Learning-rate range test", svg=figure, caption=caption)


def _series(run: Reading, key: str) -> list[Point]:
    return _points(run, [(line, line[key]) for line in run.steps if key in line])


def validation_of(run: Reading) -> list[Point]:
    """The validation loss by epoch or step: of the metrics the one that is comparable with the training loss, if there is one."""
    return next((found for name in ("loss", "log_loss") if _finite(found := metric_of(run, name))), [])


def train_of(run: Reading) -> list[Point]:
    """The training loss by epoch or step."""
    return _series(run, "loss")


def axis_of(run: Reading) -> str:
    """What curves are drawn over: "epoch" or "step"."""
    return _across(run).label


def metric_of(run: Reading, metric: str) -> list[Point]:
    """A metric of the validation data by epoch or step."""
    lines = [line for line in run.evaluations if line.get("split") == "validation"]
    return _points(run, [(line, (line.get("metrics") or {}).get(metric)) for line in lines])


def _points(run: Reading, pairs: Sequence[tuple[Mapping[str, Any], Any]]) -> list[Point]:
    return [(_x(run, line["step"]), _number(value)) for line, value in pairs if isinstance(line.get("step"), int)]


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _x(run: Reading, step: int) -> float:
    batches = _batches(run)
    return step / batches if batches else float(step)


def _batches(run: Reading) -> int | None:
    """Steps of an epoch, where the run is long enough for epochs to be its measure."""
    batches = run.plan.get("batches_per_epoch")
    return batches if batches and run.last_step >= 2 * batches else None


def _across(run: Reading) -> Axis:
    return Axis(label="epoch" if _batches(run) else "step", zero=True)


def _finite(points: Sequence[Point]) -> list[float]:
    return [y for _, y in points if y is not None]


def _wants_log(values: Sequence[float | None]) -> bool:
    shown = [value for value in values if value is not None]
    return bool(shown) and min(shown) > 0 and max(shown) / min(shown) > LOG_RATIO
