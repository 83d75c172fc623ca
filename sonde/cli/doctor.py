"""`sonde doctor RUN`: what is wrong with a run, and what its signals say of the network's inside."""

from collections.abc import Sequence
from dataclasses import dataclass

from sonde.cli.begin import begin

ABOUT = """\
Say what is wrong with a run, finished, failed or going on: the likeliest cause first, with what it was seen by, where, and what to
do about it.

examples:
  sonde doctor runs/mnist-mlp-1
  sonde doctor runs/mnist-mlp-1 --inside
"""


@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    """What to show of a run."""

    inside: bool = False
    """Also show the gradient and the update of each layer, at the first and last step that was looked at."""


def run(words: Sequence[str]) -> int:
    """Examine a run and print what is found. Raises: RunFolderError, ConfigError."""
    begun = begin(words, DoctorOptions, usage="doctor RUN", about=ABOUT)
    if begun is None:
        return 0
    from sonde.run.examination import found, inside, samples

    folder, screen = begun.words[0], begun.screen
    screen.findings(found(folder))
    if begun.options.inside:
        sampled = samples(folder)
        if not sampled:
            screen.say(
                "nothing was measured inside the network: the run trained with --no-doctor, or before there was one"
            )
            return 0
        steps = f"steps {sampled[0].step:,} and {sampled[-1].step:,}"
        screen.table(
            f"inside the network, {steps}",
            ["weight", "gradient at first", "at last", "update / size at first, %", "at last, %"],
            inside(sampled),
        )
    return 0
