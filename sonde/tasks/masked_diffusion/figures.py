"""What the report shows of masked diffusion: how well masked tokens are told, by how many of them there are."""

from collections.abc import Mapping
from typing import Any

from sonde.report.additions import Additions
from sonde.report.figures import Axis, Series, curves
from sonde.report.learning import Figure

FEWEST = 3  # points of a curve
BOUND = "loss is an upper bound of the nats a token (perplexity and bits of theirs); that of language-model is exact"


def highlights(details: Mapping[str, Any]) -> list[str]:
    """What a terminal says below the scores."""
    return [BOUND]


def additions(details: Mapping[str, Any]) -> Additions:
    """Figures of one evaluation."""
    points = [(float(each["masked"]), float(each["nats"])) for each in details.get("by_masked") or []]
    if len(points) < FEWEST:
        return Additions(cases=False)
    svg = curves(
        [Series(name="", points=points, colour=1, dots=True)],
        Axis(label="share of the tokens that is masked"),
        Axis(label="nats per masked token"),
        name="Loss by share of masked tokens",
    )
    caption = (
        "Mean loss of a masked token, by how many others are masked too. The mean over all shares is the loss of this run: an "
        "upper bound of the nats a token, since it holds for filling in the text in a random order. The loss of a language "
        "model, which reads from left to right, is exact and can stand beside it."
    )
    return Additions(figures=[Figure(title="Loss by share of masked tokens", svg=svg, caption=caption)], cases=False)
