"""What a language model wrote by itself, and how much it gains from what stands before a token."""

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from sonde.core.units import number
from sonde.report.additions import Additions, Section
from sonde.report.figures import Axis, Series, curves
from sonde.report.learning import Figure

MOST_TEXTS = 6
MOST_CHARACTERS = 2_000  # of one text


NOTE = (
    "Texts of the best checkpoint that begin with nothing but a new line. "
    "Below a temperature of 1 what is probable becomes more so."
)


def additions(details: Mapping[str, Any]) -> Additions:
    """The loss by context, and a section of samples."""
    figure, texts = place_figure(details), written_texts(details)
    one = Markup("<figure><h3>{}</h3><pre>{}</pre></figure>\n")
    html = Markup('<div class="grid">\n{}</div>\n').format(Markup("").join(one.format(*text) for text in texts))
    sections = [Section(name="written", title="Samples", note=NOTE, html=html)] if texts else []
    return Additions(figures=[figure] if figure else [], sections=sections)


def written_texts(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(how it was drawn, text) of each sample."""
    samples = details.get("written")
    if not isinstance(samples, list):
        return []
    return [
        (f"temperature {number(sample.get('temperature'), 2)}", str(sample.get("text", ""))[:MOST_CHARACTERS])
        for sample in samples[:MOST_TEXTS]
        if isinstance(sample, Mapping)
    ]


def place_figure(details: Mapping[str, Any]) -> Figure | None:
    """Loss over how many tokens were seen before; None where it was not counted."""
    table = details.get("by_place")
    if not table:
        return None
    points = [(float(place), nats) for place, nats in enumerate(table["nats"], start=1) if nats is not None]
    if len(points) < 2:
        return None
    figure = curves(
        [Series(name="", points=points)],
        Axis(label="tokens seen", log=True),
        Axis(label="loss (nats a token)"),
        name="Loss by context",
    )
    caption = "The mean loss of a window's tokens by how many stand before them. Where it is flat, more context brings nothing."
    return Figure(title="What context brings", svg=figure, caption=caption)
