"""`sonde eval RUN DATA`: metrics of a trained model on other data."""

from collections.abc import Sequence
from dataclasses import dataclass

from sonde.cli.begin import begin, said_on, trained_run
from sonde.core.units import metric, metric_name

ABOUT = """\
Evaluate the best checkpoint of RUN on DATA, which must be of the kind it was trained on. No files are written.
Of the data that RUN was trained on, the test rows it held out are evaluated; the headline says which rows are, and where RUN was
trained on them.

examples:
  sonde eval runs/mnist-mlp-1 photos/
  sonde eval runs/titanic-tabular-1 passengers/ --split validation
"""


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """What to evaluate on, and on which device."""

    split: str | None = None
    """Split to evaluate on: train, validation or test; by default test, of other data all rows where there is no test split."""
    target: tuple[str, ...] = ()
    """Target columns of a table; by default those the run was trained on."""
    device: str = "cpu"
    """cpu, cuda, cuda:1, mps; auto uses a GPU if there is one."""


def run(words: Sequence[str]) -> int:
    """Evaluate a run and print its metrics. Raises: SondeError subclasses."""
    begun = begin(words, EvalOptions, usage="eval RUN DATA", about=ABOUT)
    if begun is None:
        return 0
    (folder, data), options = begun.words, begun.options
    trained = trained_run(folder, options.device, trust_code=begun.trust_code)
    with said_on(begun.screen):
        found = trained.evaluation(data, split=options.split, target=options.target, tick=begun.screen.tick)
    rows = [(metric_name(name), metric(name, value)) for name, value in found.scores.items()]
    begun.screen.table(f"{folder} on {data}: {found.headline}", ["metric", "value"], rows)
    for line in found.highlights:
        begun.screen.say(line)
    return 0
