"""`sonde doctor RUN`: what is wrong with a run, and what its signals say of the network's inside."""

from collections.abc import Sequence
from dataclasses import dataclass

from sonde.cli.begin import begin
from sonde.core.findings import AT_A_TIME

ABOUT = """\
Say what is wrong with a run, finished, failed or going on: the likeliest cause first, with what it was seen by, where, how sure
it is, and what to do about it.

examples:
  sonde doctor runs/mnist-mlp-1
  sonde doctor runs/mnist-mlp-1 --inside
"""

LEGEND = (
    "δ: error that arrives at a layer (root mean square); grad: norm of its gradient;",
    "spread: standard deviation of its activations, and stuck: dead or saturated",
    "units, both at the last look; step: update / weight, median over all looks",
)


@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    """What to show of a run."""

    inside: bool = False
    """Also show the error, the gradient and the update of each layer, how activations spread, and dead and saturated units."""


def run(words: Sequence[str]) -> int:
    """Examine a run and print what is found. Raises: RunFolderError, ConfigError."""
    begun = begin(words, DoctorOptions, usage="doctor RUN", about=ABOUT)
    if begun is None:
        return 0
    from sonde.run.examination import found, seen_inside

    folder, screen = begun.words[0], begun.screen
    screen.findings(*found(folder), most=AT_A_TIME)
    if not begun.options.inside:
        return 0
    from sonde.report.inside import table

    seen = seen_inside(folder)
    if seen is None:
        screen.say("nothing was measured inside the network: the run trained with --no-doctor, or before there was one")
        return 0
    steps = list(dict.fromkeys([seen.steps[0], seen.steps[-1]]))
    screen.say("")
    for sentence in seen.sentences():
        screen.say(sentence)
    screen.say("")
    screen.table(f"inside the network at {_words(steps)}", *table(seen))
    screen.say("")
    for line in LEGEND:
        screen.say(line)
    return 0


def _words(steps: Sequence[int]) -> str:
    """At which steps the table is.

    >>> _words([1]), _words([1, 4000])
    ('step 1', 'steps 1 and 4,000 (last)')
    """
    first, *last = (f"{step:,}" for step in steps)
    return f"steps {first} and {last[0]} (last)" if last else f"step {first}"
