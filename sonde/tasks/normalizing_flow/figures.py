"""What the report shows of normalizing flows: how likely held-out rows are."""

from collections.abc import Mapping
from typing import Any

from sonde.core.units import share
from sonde.report.additions import Additions
from sonde.report.figures import Axis, Series, curves
from sonde.report.learning import Figure

FEWEST = 3  # points of a curve


def additions(details: Mapping[str, Any]) -> Additions:
    """Figures of one evaluation."""
    return Additions(figures=_likelihoods(details), cases=False)


def highlights(details: Mapping[str, Any]) -> list[str]:
    """What part of the density is not the flow's.

    >>> highlights({"mixture": {"share": 0.25}})
    ['25 % of the density is that of a Gaussian mixture beside the flow (--mixture), a share that validation rows chose']
    """
    found = details.get("mixture")
    if not found:
        return []
    part = share(float(found["share"]), 0)
    return [
        f"{part} of the density is that of a Gaussian mixture beside the flow (--mixture), a share that validation rows chose"
    ]


def _likelihoods(details: Mapping[str, Any]) -> list[Figure]:
    found = [float(value) for value in details.get("likelihoods") or []]
    if len(found) < FEWEST:
        return []
    points = [(place / (len(found) - 1), value) for place, value in enumerate(found)]
    shown = [Series(name="", points=points, colour=1)]
    svg = curves(shown, Axis(label="share of the rows"), Axis(label="log-likelihood, nats"), name="Likelihood by row")
    caption = (
        f"How likely the evaluated rows are, the least likely first: half are above {found[len(found) // 2]:.4g}. A row of "
        "which sonde predict gives less than the first of these is unlike all of them."
    )
    return [Figure(title="Likelihood by row", svg=svg, caption=caption)]
