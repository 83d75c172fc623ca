"""`sonde check RUN --gradients`: whether what a network computes backwards is right, and what both ways cost."""

from collections.abc import Sequence
from dataclasses import dataclass

from sonde.cli.begin import begin
from sonde.core.errors import ConfigError
from sonde.core.run_folder import open_run

WRONG = 1  # exit code where a gradient is wrong
WIDEST = 30  # characters of a weight's name

ABOUT = """\
Check back-propagation of a run's own network against central finite differences in float64, weight by weight, on a few of its
training rows; a layer whose backward pass is wrong is named. Also shows what both cost. Exits with 1 where a gradient is wrong.

examples:
  sonde check runs/mnist-mlp-1 --gradients
  sonde check runs/mine-1 --gradients --entries 100 --rows 4
"""


@dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """What to check."""

    gradients: bool = False
    """Compare back-propagation with finite differences."""
    entries: int | None = None
    """Weights of each tensor that are compared one by one, a random subset; by default 20, or as many as take a minute."""
    rows: int = 16
    """Training rows, the first of an epoch, of which the loss is computed."""
    seed: int = 0
    """Random seed of the subset and of dropout."""


def run(words: Sequence[str]) -> int:
    """Check a run and print what is found. Raises: SondeError subclasses."""
    begun = begin(words, CheckOptions, usage="check RUN", about=ABOUT)
    if begun is None:
        return 0
    options, screen = begun.options, begun.screen
    if not options.gradients:
        raise ConfigError("say what to check: sonde check RUN --gradients")
    folder = open_run(begun.words[0])
    from sonde.run.gradient_check import check_run

    found = check_run(
        folder,
        trust_code=begun.trust_code,
        entries=options.entries,
        rows=options.rows,
        seed=options.seed,
        tick=screen.tick,
    )
    rows = [(_cut(name), *rest) for name, *rest in found.rows()]
    screen.table("back-propagation and finite differences", ["weight", "entries", "compared", "off by", ""], rows)
    screen.say("")
    for sentence in found.sentences():
        screen.say(sentence)
    return 0 if found.agrees else WRONG


def _cut(name: str) -> str:
    """The end of a long name, which tells weights apart."""
    return name if len(name) <= WIDEST else "…" + name[1 - WIDEST :]
