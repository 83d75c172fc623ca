"""What samples of tables are worth: a classical model trained on them is judged on real rows, beside one trained on real rows.

Source: Esteban, Hyland and Rätsch 2017, arXiv:1706.02633, section 4.1 (train on synthetic, test on real)
"""

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

NAME = "trained_on_samples_accuracy"
SECONDS = 60.0  # for either model


def trained_on_samples(
    judge: "Run", data: Any, samples: Any, made: "Made", tick: Tick = silent
) -> list[dict[str, Any]]:
    """An entry of sample_quality.json: accuracy on the judge's held-out rows after training on samples, and on as many real rows.

    samples: on the data's own scale, with their classes;  judge: a classifier, whose columns and classes are used
    Empty for kinds of data without a classical model, and where the judge held nothing back
    """
    fitted = modality(judge.schema.input.kind).classical
    if not fitted or made.labelled is None:
        return []
    parts = parts_of(RunFolder(judge.folder), data, judge.schema, tick=tick)
    if not parts.own or parts.held_out == "train":
        return []
    entry: dict[str, Any] = {"name": NAME, "better": "higher", "value": None, "real": None}
    rows = made.labelled(samples, judge.schema, RunFolder(judge.folder))
    if rows is None:
        return [{**entry, "reason": "samples have no column that the judge answers for"}]
    names, train, other = judge.schema.target.names, parts.splits["train"], parts.splits[parts.held_out]
    size = min(len(rows), len(train))
    chosen = np.sort(np.random.default_rng(0).permutation(len(train))[:size])
    scores = []
    for known, what in ((subset(rows, np.arange(size)), "samples"), (subset(train, chosen), "real rows")):
        absent = set(range(len(names))) - set(labels_of(known).tolist())
        if absent:
            return [{**entry, "reason": f"there are no {what} of class {names[min(absent)]!r}"}]
        tick("training a classical model", len(scores), 2)
        scores.append(_accuracy(load(fitted), judge, known, other))
    if None in scores:
        return [{**entry, "reason": f"a classical model takes more than {SECONDS:g} s"}]
    return [{**entry, "value": scores[0], "real": scores[1], "rows": size}]


def _accuracy(fitted: Any, judge: "Run", known: Rows, other: Rows) -> float | None:
    found = fitted(judge.schema, known, other, SECONDS)
    return None if found is None else float((found[1].argmax(1) == labels_of(other)).mean())
