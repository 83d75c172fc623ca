"""`sonde doctor RUN`: what is wrong with a run, and what its signals say of the network's inside."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sonde.cli.begin import begin
from sonde.core.damaged import DAMAGE
from sonde.core.files import read_json
from sonde.core.marks import shell_quoted
from sonde.core.run_folder import open_run
from sonde.core.run_state import RunState, checkpoint_step, folds_of, state_of
from sonde.report.folder import CUSTOM

if TYPE_CHECKING:
    from sonde.screen.screen import Screen

ABOUT = """\
Say what is wrong with a run, finished, failed or going on: the likeliest cause first, with its evidence, its place, how
certain it is, and what to do about it. What its network and DATA (by default the run's) are able to do is tested on some
steps, which are undone; the run stays as it is.

examples:
  sonde doctor runs/mnist-mlp-1
  sonde doctor runs/mnist-mlp-1 --cure
  sonde doctor runs/mnist-mlp-1 --inside
"""

LEGEND = (
    "δ: error that arrives at a layer (root mean square); grad: norm of its gradient;",
    "spread: standard deviation of its activations, and stuck: dead or saturated",
    "units, both at the last look; step: update / weight, median over all looks",
)


@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    """What to show of a run, and what to try."""

    inside: bool = False
    """Also show error, gradient and update of each layer, the spread of its activations, and dead and saturated units."""
    cure: bool = False
    """Try the remedy of the first finding for 100 steps beside an unchanged copy, and show both losses; nothing is changed."""
    silence: tuple[str, ...] = ()
    """Names of findings that are intended: they are shown as notes, not as warnings."""
    trials: bool = True
    """Run short trials of the network and the data; without them only the records of the run are read."""


def run(words: Sequence[str]) -> int:
    """Examine a run and print what is found. Raises: SondeError subclasses."""
    begun = begin(words, DoctorOptions, usage="doctor RUN [DATA]", about=ABOUT)
    if begun is None:
        return 0
    folder = open_run(begun.words[0])
    from sonde.run.diagnosing import examine, read_only, show
    from sonde.run.reopened import Given

    options, screen = begun.options, begun.screen
    state = state_of(folder.path)
    if state.condition != "finished":
        screen.state(condition(folder.path, state))
    if options.trials:
        given = Given(data=begun.words[1] if len(begun.words) > 1 else None, trust_code=begun.trust_code)
        found = examine(folder, given, screen, silence=options.silence, cure=options.cure)
    else:
        found = read_only(folder, silence=options.silence)
    show(found, screen)
    folds = folds_of(folder.path)
    if options.inside:
        if folds:
            screen.say(f"each fold has a network of its own: sonde doctor {folds[0]} --inside")
        else:
            _show_inside(folder.path, screen)
    if folds and folder.report.exists():
        screen.next([f"open {shell_quoted(str(folder.report))}"])
    return 0


def _show_inside(place: Path, screen: "Screen") -> None:
    from sonde.report.inside import table
    from sonde.run.examination import seen_inside

    seen = seen_inside(place)
    if seen is None:
        screen.say("nothing was measured inside the network: the run trained with --no-doctor, or before there was one")
        return
    steps = list(dict.fromkeys([seen.steps[0], seen.steps[-1]]))
    screen.say("")
    for sentence in seen.sentences():
        screen.say(sentence)
    screen.say("")
    screen.table(f"inside the network at {_words(steps)}", *table(seen))
    screen.say("")
    for line in LEGEND:
        screen.say(line)


def condition(place: Path, state: RunState) -> str:
    """What state a run without a result is in, what of it is kept, and how it goes on.

    >>> condition(Path("a"), RunState(condition="killed", step=1200, line={}))
    'killed after step 1,200, without an error message; no checkpoint was written yet; sonde resume a starts again'
    """
    fold = f" of fold {state.fold}" if state.fold else ""
    at = f"step {state.step:,}{fold}"
    if state.condition == "running":
        return f"running, at {at}; what follows is of the run so far"
    how = {
        "interrupted": f"interrupted as requested after {at}",
        "failed": f"failed {state.place}{fold}" + (f": {state.why.splitlines()[0]}" if state.why else ""),
    }.get(state.condition, f"killed after {at}, without an error message")
    saved = checkpoint_step(place / f"fold-{state.fold}" if state.fold else place)
    if saved is None:
        kept, on = "no checkpoint was written yet", "starts again"
    else:
        kept, on = f"the last checkpoint is of step {saved:,}", "continues from there"
    again = f"the same call with out={str(place)!r}" if _custom(place) else f"sonde resume {shell_quoted(str(place))}"
    return f"{how}; {kept}; {again} {on}"


def _custom(place: Path) -> bool:
    """Whether the caller's program alone can give a run its data again."""
    try:
        found = read_json(place / "data.json")
    except (OSError, *DAMAGE):
        return False
    return isinstance(found, dict) and found.get("form") == CUSTOM


def _words(steps: Sequence[int]) -> str:
    """At which steps the table is.

    >>> _words([1]), _words([1, 4000])
    ('step 1', 'steps 1 and 4,000 (last)')
    """
    first, *last = (f"{step:,}" for step in steps)
    return f"steps {first} and {last[0]} (last)" if last else f"step {first}"
