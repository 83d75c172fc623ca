"""What samples of tables are worth: a classical model trained on them is judged on real rows, beside one trained on real rows.

Source: Esteban, Hyland and Rätsch 2017, arXiv:1706.02633, section 4.1 (train on synthetic, test on real)
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sonde.core.catalogue import load
from sonde.core.dataset import Rows
from sonde.core.progress import Tick, silent
from sonde.core.run_folder import RunFolder
from sonde.data.splits import labels_of, subset
from sonde.modalities.catalogue import modality
from sonde.run.judged_rows import parts_of

if TYPE_CHECKING:
    from sonde.modalities.made import Made
    from sonde.run.run import Run

NAME, OF_VALUES = "trained_on_samples_accuracy", ("trained_on_samples_r2", "trained_on_samples_mae")
BETTER = {NAME: "higher", OF_VALUES[0]: "higher", OF_VALUES[1]: "lower"}
SECONDS = 60.0  # for either model
FEWEST = 20  # rows of numbers that a model can be trained on


def trained_on_samples(
    judge: "Run", data: Any, samples: Any, made: "Made", tick: Tick = silent
) -> list[dict[str, Any]]:
    """Entries of sample_quality.json: accuracy on the judge's held-out rows after training on samples, and on as many real rows;
    of a judge that answers with numbers R² and the mean absolute error, in the units of the column.

    samples: on the data's own scale, with their classes;  judge: a classifier or a regressor, whose columns and target are used
    Empty for kinds of data without a classical model, and where the judge held nothing back
    """
    fitted = modality(judge.schema.input.kind).classical
    if not fitted or made.labelled is None:
        return []
    parts = parts_of(RunFolder(judge.folder), data, judge.schema, tick=tick)
    if not parts.own or parts.held_out == "train":
        return []
    target = judge.schema.target
    measured = (NAME,) if target.has_classes else OF_VALUES
    rows = made.labelled(samples, judge.schema, RunFolder(judge.folder))
    if rows is None:
        return _without(measured, "samples have no column that the judge answers for")
    train, other = parts.splits["train"], parts.splits[parts.held_out]
    size = min(len(rows), len(train))
    chosen = np.sort(np.random.default_rng(0).permutation(len(train))[:size])
    scores = []
    for known, what in ((subset(rows, np.arange(size)), "samples"), (subset(train, chosen), "real rows")):
        if why := _absent(known, what, judge):
            return _without(measured, why)
        tick("training a classical model", len(scores), 2)
        scores.append(_scores(load(fitted), judge, known, other))
    of_samples, of_real = scores
    if of_samples is None or of_real is None:
        return _without(measured, f"a classical model takes more than {SECONDS:g} s")
    return [
        {"name": name, "better": BETTER[name], "value": of_samples[name], "real": of_real[name], "rows": size}
        for name in measured
        if name in of_samples
    ]


def _without(names: Sequence[str], why: str) -> list[dict[str, Any]]:
    return [{"name": name, "better": BETTER[name], "value": None, "real": None, "reason": why} for name in names]


def _absent(known: Rows, what: str, judge: "Run") -> str:
    """Why nothing can be trained on some rows; "" where something can."""
    if not judge.schema.target.has_classes:
        return "" if len(known) >= FEWEST else f"there are only {len(known)} {what} with a number to learn"
    names = judge.schema.target.names
    absent = set(range(len(names))) - set(labels_of(known).tolist())
    return f"there are no {what} of class {names[min(absent)]!r}" if absent else ""


def _scores(fitted: Any, judge: "Run", known: Rows, other: Rows) -> dict[str, float] | None:
    """On the other rows, by name; None where there was no time."""
    found = fitted(judge.schema, known, other, SECONDS)
    if found is None:
        return None
    if judge.schema.target.has_classes:
        return {NAME: float((found[1].argmax(1) == labels_of(other)).mean())}
    truth = other.read(np.arange(len(other)))["target"].reshape(len(other), -1)[:, 0].astype(np.float64)
    off, varies = found[1] - truth, float(np.square(truth - truth.mean()).sum())
    r2 = {OF_VALUES[0]: 1 - float(np.square(off).sum()) / varies} if varies else {}
    return {**r2, OF_VALUES[1]: float(np.abs(off).mean()) * judge.schema.target.std[0]}
