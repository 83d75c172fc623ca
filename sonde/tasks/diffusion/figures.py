"""What the report shows of diffusion and flow matching: how well noise is told from data, by how much there is of it."""

from collections.abc import Mapping
from typing import Any

from sonde.report.additions import Additions
from sonde.report.figures import Axis, Series, curves
from sonde.report.learning import Figure

FEWEST = 3  # points of a curve


def additions(details: Mapping[str, Any]) -> Additions:
    """Figures of one evaluation."""
    return Additions(figures=_levels(details), cases=False)


def _levels(details: Mapping[str, Any]) -> list[Figure]:
    points = sorted((float(each["level"]), float(each["loss"])) for each in details.get("noise_levels") or [])
    if len(points) < FEWEST:
        return []
    shown = [Series(name="", points=points, colour=1, dots=True)]
    svg = curves(shown, Axis(label="share of noise in the input"), Axis(label="loss"), name="Loss by noise level")
    worst = max(points, key=lambda point: point[1])
    caption = (
        f"The loss at fixed noise, by how noisy the input is (0: the input itself, 1: noise alone); it is highest at "
        f"{worst[0]:.2f}. The rows and their noise are the same in every evaluation."
    )
    return [Figure(title="Loss by noise level", svg=svg, caption=caption)]
