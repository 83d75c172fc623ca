"""What of a caller's metrics may be another thing than its name says."""

import torch
from torch import Tensor

from sonde.core.findings import Finding
from sonde.core.seams import Objective
from sonde.metrics.directions import higher_is_better, words_of

SHARES = {"accuracy", "acc", "precision", "recall", "f1", "error", "err", "correct", "rate"}
"""Words of metrics that lie between 0 and 1, or 0 and 100."""


def is_count(name: str, number: Tensor) -> bool:
    """Whether what is called a share is a whole number above 1: rows that were counted, and not divided by their number."""
    whole = not number.is_floating_point() and not number.is_complex() and number.dtype is not torch.bool
    return whole and bool(number > 1) and set(words_of(name)) & SHARES != set()


def counted(name: str) -> Finding:
    """That a share seems to be a number of rows."""
    return Finding(
        check="metric that counts",
        name="metric-that-counts",
        severity="warning",
        evidence=f"metric {name!r} was a whole number above 1 on a batch, as if rows were counted: what is reported is the "
        "mean of that over batches, weighted by their rows",
        action=f"return the mean over the rows, such as (…).float().mean(), or give {name!r} another name",
    )


def against_its_name(objective: Objective) -> list[Finding]:
    """A finding where what was asked for keeps the weights that are worst by the metric's name."""
    known = higher_is_better(objective.metric)
    if known is None or known == (objective.mode == "max"):
        return []
    better, worse = ("higher", "lowest") if known else ("lower", "highest")
    return [
        Finding(
            check="mode against the metric",
            name="mode-against-the-metric",
            severity="warning",
            evidence=f"mode={objective.mode!r} keeps the weights with the {worse} {objective.metric}, for which, by "
            f"its name, {better} is better",
            action="leave mode= out; or give the metric another name, if this is intended",
        )
    ]
