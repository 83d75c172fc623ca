"""Figures of the episodes of one evaluation: what they returned, and what was expected of each."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from markupsafe import Markup

from sonde.core.damaged import DAMAGE
from sonde.core.units import count, number
from sonde.report.acting_curves import over_or_under
from sonde.report.distributions import Bar, histogram
from sonde.report.figures import Axis, scatter
from sonde.report.learning import Figure

FEWEST = 5  # episodes, of fewer of which a figure shows nothing
BINS = 20


def episode_figures(details: Mapping[str, Any], values: str) -> list[Figure]:
    """Those of episodes.json; none where it is not there. values: what the task's values count beside rewards"""
    held = details.get("episodes")
    if not isinstance(held, Mapping):
        return []
    try:
        columns = {str(name): np.asarray(column, np.float64) for name, column in held.items()}
    except DAMAGE:
        return []
    returns = columns.get("return")
    if returns is None or len(returns) < FEWEST or not np.isfinite(returns).all():
        return []
    expected = columns.get("expected_return")
    found = columns.get("bootstrapped_return", columns.get("discounted_return"))  # the second of earlier versions
    figures = [_returns(returns)]
    if expected is not None and found is not None and len(expected) == len(found):
        part = columns.get("bootstrapped_part", np.zeros(1))
        figures.append(_expected(expected, found, float(part.mean()), values))
    return figures


def _returns(returns: np.ndarray) -> Figure:
    low, high, middle = (number(float(each)) for each in (returns.min(), returns.max(), np.median(returns)))
    if low == high:
        return Figure(title="Returns", svg=Markup(), caption=f"All {count(len(returns))} episodes returned {low}.")
    amounts, edges = np.histogram(returns, min(BINS, max(5, len(returns) // 4)))
    bars = [
        Bar(
            low=float(a),
            high=float(b),
            height=float(n),
            colour=2,
            title=f"{number(float(a))} to {number(float(b))}: {n}",
        )
        for a, b, n in zip(edges, edges[1:], amounts.tolist(), strict=False)
    ]
    svg = histogram(bars, Axis(label="return"), Axis(label="episodes", zero=True), name="Returns of the episodes")
    caption = f"{count(len(returns))} episodes: median {middle}, worst {low}, best {high}."
    return Figure(title="Returns", svg=svg, caption=caption)


def _expected(expected: np.ndarray, found: np.ndarray, part: float, values: str) -> Figure:
    """The value of each episode's first observation beside what the episode returned, discounted as values are.

    part: the mean of what of that is a value too
    """
    title = "Expected and found return of each episode"
    caption = over_or_under(float(expected.mean()), float(found.mean()), part)
    caption += (
        " Below the diagonal an episode returned less than the value said at its first step; where it was cut off, the "
    )
    caption += "value of its last observation counts for what would have followed."
    if values:
        caption += f" {values[:1].upper()}{values[1:]}."
    points = list(zip(expected.tolist(), found.tolist(), strict=True))
    axes = Axis(label="expected at the first step"), Axis(label="bootstrapped discounted return")
    return Figure(title=title, svg=scatter(points, *axes, name=title, line="diagonal"), caption=caption)
