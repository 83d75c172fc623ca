"""`sonde eval RUN DATA`: metrics of a trained model on other data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sonde.cli.begin import begin, said_on, trained_run
from sonde.core.config_file import read_config
from sonde.core.units import metric, metric_name

ABOUT = """\
Evaluate the best checkpoint of RUN on DATA, which must be of the kind it was trained on. No files are written.

examples:
  sonde eval runs/mnist-mlp-1 photos/
  sonde eval runs/titanic-tabular-1 passengers/ --split validation
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
    (folder, data), options = begun.words, begun.options
    trained = trained_run(folder, options.device, trust_code=begun.trust_code)
    with said_on(begun.screen):
        scores = trained.evaluate(data, split=options.split, target=options.target, tick=begun.screen.tick)
    rows = [(metric_name(name), metric(name, value)) for name, value in scores.items()]
    begun.screen.table(f"{folder} on {data}", ["metric", "value"], rows)
    if trained_on(Path(folder), data):
        note = _training_rows_among(data, options.split)
        if note:
            begun.screen.say(f"note: this run was trained on the same data; {note}")
    return 0


def trained_on(run: Path, data: str) -> bool:
    """Whether a run was trained on the same data that are to be evaluated, by its config.yaml."""
    source = read_config(run).data
    return source is not None and (data == source or Path(data).expanduser().resolve() == Path(source).resolve())


def _training_rows_among(data: str, split: str | None) -> str:
    """What is to be said of training rows among those that were evaluated, of the data that the run was trained on."""
    from sonde.modalities.table.read import table_suffix

    if split == "train":
        return "the training rows are evaluated"
    if table_suffix(Path(data)) and Path(data).is_file():
        return "this one table has no split of its own, so its training rows are evaluated as well"
    return (
        ""
        if split == "validation"
        else "unless they have a test split of their own, training rows are evaluated as well"
    )
