"""How far predicted numbers are from the truth: against it, by size, and how often by how much."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from sonde.core.units import count, counted, number, share
from sonde.report.distributions import Bar, histogram
from sonde.report.figures import Axis, scatter
from sonde.report.learning import Figure

MOST_OUTPUTS = 4
MOST_POINTS = 1000
BINS = 30
FEWEST = 3  # rows
OUTER = 0.005  # share of the rows at each end that the last bins take together: one outlier would leave a single bar


def residual_figures(details: Mapping[str, Any]) -> list[Figure]:
    """Of each output predicted over true, residuals over predicted, and their histogram."""
    table, figures = details.get("scatter") or {"names": [], "target": [], "prediction": []}, []
    columns = (table[part][:MOST_OUTPUTS] for part in ("names", "target", "prediction"))
    for name, targets, predictions in zip(*columns, strict=False):
        pairs = _pairs(targets, predictions)
        if len(pairs) < FEWEST:
            told = "; ".join(f"true {number(t, 4)}, predicted {number(p, 4)}" for t, p in pairs)
            caption = f"{counted(len(pairs), 'row', 'rows')}{', ' if told else ''}{told}: too few for a plot."
            figures.append(Figure(title=f"{name}: predicted and true", svg=Markup(""), caption=caption))
            continue
        all_ = pairs if len(table["names"]) > 1 else _all(details) or pairs
        few = len(pairs) * min(MOST_OUTPUTS, len(table["names"])) <= 2 * MOST_POINTS
        figures += [_fit(name, pairs[:MOST_POINTS], titles=few), _rest(name, pairs[:MOST_POINTS]), _spread(name, all_)]
    return figures


def _pairs(targets: Sequence[Any], predictions: Sequence[Any]) -> list[tuple[float, float]]:
    return [(t, p) for t, p in zip(targets, predictions, strict=True) if t is not None and p is not None]


def _all(details: Mapping[str, Any]) -> list[tuple[float, float]]:
    """Of the rows in answers.json, which are up to 10,000."""
    answers = details.get("answers") or {}
    return _pairs(answers.get("target") or [], answers.get("prediction") or [])


def _fit(name: str, pairs: Sequence[tuple[float, float]], *, titles: bool) -> Figure:
    axes = (Axis(label=f"{name}, true"), Axis(label="predicted"))
    svg = scatter(pairs, *axes, name="Predicted over true", line="diagonal", titles=titles)
    caption = f"{count(len(pairs))} rows; on the diagonal prediction and truth are equal."
    return Figure(title=f"{name}: predicted and true", svg=svg, caption=caption)


def _rest(name: str, pairs: Sequence[tuple[float, float]]) -> Figure:
    axes = (Axis(label=f"{name}, predicted"), Axis(label="true − predicted"))
    svg = scatter([(p, t - p) for t, p in pairs], *axes, name="Residuals", line="zero", titles=False)
    caption = "They should scatter evenly around zero; a curve or a funnel is structure the model has not learned."
    return Figure(title=f"{name}: residuals", svg=svg, caption=caption)


def _spread(name: str, pairs: Sequence[tuple[float, float]]) -> Figure:
    rest = sorted(t - p for t, p in pairs)
    outer = int(OUTER * len(rest))
    low, high = rest[outer], rest[-1 - outer]
    if low == high:
        low, high = low - 0.5, high + 0.5
    bins = min(BINS, max(5, round(len(rest) ** 0.5)))
    wide = (high - low) / bins
    counts = [0] * bins
    for value in rest:
        counts[min(bins - 1, max(0, int((value - low) / wide)))] += 1
    bars = [
        Bar(
            low=low + place * wide,
            high=low + (place + 1) * wide,
            height=amount,
            colour=1,
            title=f"{number(low + place * wide)} to {number(low + (place + 1) * wide)}: {counted(amount, 'row', 'rows')}",
        )
        for place, amount in enumerate(counts)
    ]
    axes = (Axis(label=f"{name}, true − predicted"), Axis(label="rows", zero=True))
    svg = histogram(bars, *axes, name="Histogram of the residuals", line=0.0)
    middle = statistics.median(rest)
    size = statistics.median(map(abs, rest))
    over = share(sum(value < 0 for value in rest) / len(rest), 0)
    caption = (
        f"{count(len(rest))} rows: half of them are off by less than {number(size)}; the median is {number(middle)}, and {over} "
        "are predicted too high."
    )
    if outer:
        caption += f" The first and the last bar hold the {outer} outermost rows of their side too."
    return Figure(title=f"{name}: distribution of the errors", svg=svg, caption=caption)
