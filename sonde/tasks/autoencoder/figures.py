"""What the report shows of tasks that give inputs back: how much of the code is in use."""

from collections.abc import Mapping, Sequence
from typing import Any

from sonde.core.units import count
from sonde.report.additions import Additions
from sonde.report.figures import Axis, Series, curves
from sonde.report.learning import Figure

FEWEST = 3  # points of a curve
MOST = 400  # points of a curve that are drawn


def additions(details: Mapping[str, Any]) -> Additions:
    """Figures of one evaluation."""
    return Additions(figures=[*_variances(details), *_choices(details)], cases=False)


def _variances(details: Mapping[str, Any]) -> list[Figure]:
    values = (details.get("latent") or {}).get("variance") or []
    active = sum(value > 0.01 for value in values)
    title = "Numbers of the latent that are in use"
    caption = (
        f"The variance over rows of each number's mean, largest first; {count(active)} of {count(len(values))} vary by more than "
        "0.01, and the others say nothing of the input."
    )
    return _ranked(values, title, "number of the latent", "variance", caption)


def _choices(details: Mapping[str, Any]) -> list[Figure]:
    values = (details.get("codebook") or {}).get("counts") or []
    used = sum(value > 0 for value in values)
    caption = f"How often each code is chosen in this evaluation, most first; {count(used)} of {count(len(values))} are chosen."
    return _ranked(values, "Codes that are in use", "code", "times chosen", caption)


def _ranked(values: Sequence[float], title: str, across: str, up: str, caption: str) -> list[Figure]:
    if len(values) < FEWEST:
        return []
    step = -(-len(values) // MOST)
    points = [(float(place + 1), float(value)) for place, value in enumerate(values) if place % step == 0]
    svg = curves([Series(name="", points=points, colour=1)], Axis(label=across), Axis(label=up), name=title)
    return [Figure(title=title, svg=svg, caption=caption)]
