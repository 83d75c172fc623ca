"""What the report shows of a GAN: its measures, and what the critic says of training, validation and made rows."""

from collections.abc import Mapping
from typing import Any

from sonde.core.units import number
from sonde.report.additions import Additions
from sonde.report.figures import Axis, Series, curves
from sonde.report.learning import Figure

GROUPS = {"training": "training rows", "held out": "held-out rows", "made": "made rows"}


def additions(details: Mapping[str, Any]) -> Additions:
    """Figures of one evaluation."""
    return Additions(figures=_logits(details.get("gan") or {}), cases=False)


def _logits(found: Mapping[str, Any]) -> list[Figure]:
    logits = found.get("logits") or {}
    if not logits:
        return []
    edges = [float(edge) for edge in logits["edges"]]
    middles = [(low + high) / 2 for low, high in zip(edges, edges[1:], strict=False)]
    shown = [
        Series(
            name=GROUPS[name], points=list(zip(middles, map(float, logits["shares"][name]), strict=True)), colour=colour
        )
        for colour, name in enumerate(GROUPS, 1)
        if name in logits["shares"]
    ]
    svg = curves(shown, Axis(label="critic's logit"), Axis(label="share of the rows"), name="What the critic says")
    caption = (
        f"The critic holds what lies right of {number(float(found['threshold']))} for real. Curves that lie apart: it tells made "
        "rows from real ones. Training rows right of held-out rows: it knows the training rows by heart."
    )
    if "distance" in found:
        shares = [f"{100 * float(found[name]):.0f} %" for name in ("precision", "recall", "real_recall")]
        caption += (
            f" Between {int(found['rows']):,} held-out rows and as many made ones the kernel distance is "
            f"{number(float(found['distance']))}, and between two halves of the held-out rows {number(float(found['floor']))}; "
            f"{shares[0]} of the made rows lie among real ones, and {shares[1]} of the real rows among made ones (one half of "
            f"them among the other: {shares[2]})."
        )
    return [Figure(title="What the critic says", svg=svg, caption=caption)]
