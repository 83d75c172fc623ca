"""`sonde doctor RUN`: what is wrong with a run, and what its signals say of the network's inside."""

from collections.abc import Sequence
from dataclasses import dataclass

from sonde.cli.begin import begin
from sonde.core.run_folder import open_run

ABOUT = """\
Say what is wrong with a run, finished, failed or going on: the likeliest cause first, with what it was seen by, where, and
what to do about it. What its network and data are able to do is tried on some steps, which are undone; the run stays as it is.

DATA are by default those of the run.

examples:
  sonde doctor runs/mnist-mlp-1
  sonde doctor runs/mnist-mlp-1 --cure
  sonde doctor runs/mnist-mlp-1 --inside
"""


@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    """What to show of a run, and what to try."""

    inside: bool = False
    """Also show the gradient and the update of each layer, at the first and last step that was looked at."""
    cure: bool = False
    """Try the remedy of the first finding for 100 steps beside an untouched twin, and show how both end. Nothing is changed."""
    silence: tuple[str, ...] = ()
    """Names of findings that are meant so: they are notes, and no warnings."""
    trials: bool = True
    """Try what the network and the data are able to do; without, only what the run wrote down is read."""


def run(words: Sequence[str]) -> int:
    """Examine a run and print what is found. Raises: SondeError subclasses."""
    begun = begin(words, DoctorOptions, usage="doctor RUN [DATA]", about=ABOUT)
    if begun is None:
        return 0
    folder = open_run(begun.words[0])
    from sonde.run.diagnosing import examine, read_only, show
    from sonde.run.examination import inside, samples
    from sonde.run.reopened import Given

    options, screen = begun.options, begun.screen
    if options.trials:
        given = Given(data=begun.words[1] if len(begun.words) > 1 else None, trust_code=begun.trust_code)
        found = examine(folder, given, screen, silence=options.silence, cure=options.cure)
    else:
        found = read_only(folder, silence=options.silence)
    show(found, screen)
    if options.inside:
        sampled = samples(folder.path)
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
