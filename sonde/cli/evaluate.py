"""`sonde eval RUN DATA`: metrics of a trained model on other data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sonde.cli.begin import begin
from sonde.cli.parse import take_words
from sonde.core.config_file import read_config
from sonde.core.units import metric, metric_name

ABOUT = """\
Evaluate the best checkpoint of RUN on DATA, which must be of the kind it was trained on. No files are written.

examples:
  sonde eval runs/mnist-mlp-1 photos/
  sonde eval runs/titanic-tabular-1 passengers.csv --split validation
"""


@dataclass(frozen=True, kw_only=True)
class EvalOptions:
    """What to evaluate on, and on which device."""

    split: str | None = None
    """Split to evaluate on: train, validation or test; by default test, or all rows where there is no test split."""
    target: tuple[str, ...] = ()
    """Target columns of a table; by default those the run was trained on."""
    device: str = "cpu"
    """cpu, cuda, cuda:1, mps; auto uses a GPU if there is one."""


def run(words: Sequence[str]) -> int:
    """Evaluate a run and print its metrics. Raises: SondeError subclasses."""
    begun = begin(words, EvalOptions, usage="eval RUN DATA", about=ABOUT)
    if begun is None:
        return 0
    folder, data = take_words(begun.words, ["RUN", "DATA"], verb="eval")
    from sonde.core.run_folder import open_run

    place = open_run(folder)
    from sonde.engine.plan import pick_device
    from sonde.run.run import Run

    options = begun.options
    trained = Run(place).to(pick_device(options.device))
    scores = trained.evaluate(data, split=options.split, target=options.target, tick=begun.screen.tick)
    rows = [(metric_name(name), metric(name, value)) for name, value in scores.items()]
    begun.screen.table(f"{folder} on {data}", ["metric", "value"], rows)
    if trained_on(place.config, data):
        begun.screen.say(
            "note: this run was trained on the same data; unless they have a test split, training rows are evaluated as well"
        )
    return 0


def trained_on(config: Path, data: str) -> bool:
    """Whether a run's config.yaml names the same data that are to be evaluated."""
    source = read_config(config).data
    return source is not None and (data == source or Path(data).expanduser().resolve() == Path(source).resolve())
