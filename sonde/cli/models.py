"""`sonde models [WORD]`: the models, their cost and their papers."""

from collections.abc import Sequence

from sonde.cli.begin import NoOptions, begin
from sonde.cli.listing import matching
from sonde.core.units import count

ABOUT = """\
Models for --model. Parameters and FLOPs (additions and multiplications in the forward pass of one example) are counted at the
input size shown, with default settings and 10 outputs; `sonde train --model NAME --help` explains a model's own settings.

examples:
  sonde models
  sonde models resnet
"""


def run(words: Sequence[str]) -> int:
    """List models. Raises: ConfigError."""
    begun = begin(words, NoOptions, usage="models [WORD]", about=ABOUT)
    if begun is None:
        return 0
    (word,) = begun.words
    from sonde.models.table import MODELS, costs

    names = matching("model", word, {name: f"{name} {entry.paper}" for name, entry in MODELS.items()})
    rows = []
    for name in names:
        entry = MODELS[name]
        shape = "x".join(map(str, entry.input))
        cost = costs().get(name)  # those of other packages are not counted
        counted = ("", "") if cost is None else (count(cost.parameters), flops(cost.flops))
        rows.append((name, *counted, shape, entry.paper))
    begun.screen.table("", ["name", "parameters", "FLOPs", "input", "paper"], rows)
    return 0


def flops(value: float) -> str:
    """Operations with a unit.

    >>> flops(814_000), flops(3_600_000_000), flops(120)
    ('814 k', '3.6 G', '120')
    """
    for unit in ("", " k", " M", " G"):
        if value < 999.5:
            return f"{value:.0f}{unit}" if value >= 9.95 or not unit else f"{value:.1f}{unit}"
        value /= 1000
    return f"{value:.1f} T"
