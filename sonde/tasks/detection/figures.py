"""How a detector did: precision over recall of each class, as the score from which a detection is shown moves."""

from collections.abc import Mapping
from typing import Any

from sonde.report.additions import Additions
from sonde.report.boxes import boxes
from sonde.report.figures import Axis, Series, curves
from sonde.report.learning import Figure

MOST_CURVES = 4  # colours of the palette


def additions(details: Mapping[str, Any]) -> Additions:
    """Precision over recall, and boxes on pictures."""
    figure = precision_recall_figure(details)
    return Additions(figures=[figure] if figure else [], drawing=boxes())


def precision_recall_figure(details: Mapping[str, Any]) -> Figure | None:
    """A curve for each class with objects, of many classes those with most; None where there are none."""
    table = details.get("precision_recall")
    if not table:
        return None
    support = dict(zip(details["per_class"]["names"], details["per_class"]["support"], strict=True))
    found = [
        (str(name), curve)
        for name, curve in zip(table["names"], table["precision"], strict=True)
        if curve[0] is not None
    ]
    found.sort(key=lambda entry: -support.get(entry[0], 0))
    if not found:
        return None
    series = [
        Series(name=name, points=list(zip(table["recall"], curve, strict=True)), colour=place + 1)
        for place, (name, curve) in enumerate(found[:MOST_CURVES])
    ]
    axes = (Axis(label=label, low=-0.02, high=1.02) for label in ("recall", "precision"))
    figure = curves(series, *axes, name="Precision and recall")
    caption = (
        "Precision: share of predicted boxes that match an object (IoU of 0.5 or more). Recall: share of objects found."
    )
    if len(found) > MOST_CURVES:
        caption += f" The {MOST_CURVES} of {len(found)} classes with the most objects are shown."
    return Figure(title="Precision and recall", svg=figure, caption=caption)
