"""`sonde models [WORD]`: the models by what they read and the tasks they suit, their cost and, on request, their papers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sonde.cli.begin import begin
from sonde.cli.listing import matching
from sonde.core.units import count

if TYPE_CHECKING:
    from sonde.models.table import Entry

ABOUT = """\
Models for --model. Parameters and FLOPs (additions and multiplications in the forward pass of one example) are counted at the
input size shown, with default settings and 10 outputs; `sonde train --model NAME --help` explains a model's own settings.

examples:
  sonde models
  sonde models resnet
  sonde models image --papers
"""


@dataclass(frozen=True, kw_only=True)
class ModelsOptions:
    """What is listed."""

    papers: bool = False
    """Name the paper that each model comes from."""


def run(words: Sequence[str]) -> int:
    """List models. Raises: ConfigError."""
    begun = begin(words, ModelsOptions, usage="models [WORD]", about=ABOUT)
    if begun is None:
        return 0
    (word,) = begun.words
    from sonde.models.table import MODELS

    named = {name: f"{name} {' '.join(entry.reads)} {entry.paper}" for name, entry in MODELS.items()}
    groups: dict[str, list[str]] = {}
    for name in matching("model", word, named):
        groups.setdefault(suited(MODELS[name]), []).append(name)
    columns = ["name", "parameters", "FLOPs", "input", *(["paper"] if begun.options.papers else [])]
    widest = max(len(name) for names in groups.values() for name in names)
    columns[0] = f"{columns[0]:<{widest}}"  # the groups' columns stand below one another
    for place, (title, names) in enumerate(groups.items()):
        if place:
            begun.screen.say("")
        begun.screen.table(title, columns, [row(name, MODELS[name])[: len(columns)] for name in names])
    return 0


def suited(entry: "Entry") -> str:
    """What a model was made to read, and the tasks that it answers."""
    from sonde.tasks.table import specs

    kind, given = entry.reads[0], {entry.answers, *entry.also}
    tasks = [spec.name for spec in specs() if spec.answers.name in given and (not spec.inputs or kind in spec.inputs)]
    return f"{kind}: {', '.join(tasks)}"


def row(name: str, entry: "Entry") -> tuple[str, str, str, str, str]:
    """Name, parameters, operations, shape of the input that these are counted at, and paper."""
    from sonde.models.table import costs

    cost = costs().get(name)  # those of other packages are not counted
    parameters, operations = ("", "") if cost is None else (count(cost.parameters), flops(cost.flops))
    return name, parameters, operations, "x".join(map(str, entry.input)), entry.paper


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
