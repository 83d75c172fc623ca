"""The evaluation on held-out rows: confusion matrix, calibration, threshold curves, per-class scores, residuals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sonde.core.units import metric_name
from sonde.report.confidence import confidence_figures, threshold_figures
from sonde.report.figures import heat_map
from sonde.report.learning import Figure
from sonde.report.residuals import residual_figures

MOST_CLASSES = 25  # beyond, cells of a confusion matrix are too small to read
WIDE_FROM = 14  # classes; such a matrix gets the page's whole width
MOST_PAIRS = 12
MOST_CLASS_ROWS = 200
OF_CLASSES = ("names", "precision", "recall", "f1", "support")  # columns that every per-class table has


@dataclass(frozen=True, kw_only=True)
class ClassRow:
    """A line of the per-class table. more: further scores by name."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    more: Mapping[str, float | None] = field(default_factory=dict)


def evaluation_figures(details: Mapping[str, Any], own: Sequence[Figure] = ()) -> list[Figure]:
    """The figures for one split's files, the confusion matrix aside. own: the task's own"""
    return [
        *confidence_figures(details.get("calibration")),
        *own,
        *threshold_figures(details),
        *residual_figures(details),
    ]


def confused_pairs(details: Mapping[str, Any]) -> list[tuple[str, str, int, float]]:
    """(truth, prediction, count, share of the truth's rows) of the most frequent mistakes."""
    matrix = details.get("confusion")
    if not matrix:
        return []
    names, counts = matrix["names"], matrix["counts"]
    pairs = [
        (names[i], names[j], value, value / sum(row))
        for i, row in enumerate(counts)
        for j, value in enumerate(row)
        if i != j and value
    ]
    return sorted(pairs, key=lambda pair: -pair[2])[:MOST_PAIRS]


def class_rows(details: Mapping[str, Any]) -> tuple[list[ClassRow], int]:
    """(rows for the table, how many classes there are); of very many classes those with the lowest F1."""
    table = details.get("per_class")
    if not table:
        return [], 0
    columns = (table[name] for name in OF_CLASSES)
    others = {
        metric_name(name): values
        for name, values in table.items()
        if name not in OF_CLASSES and isinstance(values, list)
    }
    rows = [
        ClassRow(
            name=str(n),
            precision=p,
            recall=r,
            f1=f,
            support=s or 0,
            more={name: values[place] for name, values in others.items()},
        )
        for place, (n, p, r, f, s) in enumerate(zip(*columns, strict=False))
    ]
    if len(rows) <= MOST_CLASS_ROWS:
        return rows, len(rows)
    return sorted(rows, key=lambda row: row.f1 or 0.0)[:MOST_CLASS_ROWS], len(rows)


def confusion_figure(details: Mapping[str, Any]) -> Figure | None:
    """The heat map; None where there is no matrix or it has too many classes to be read."""
    matrix = details.get("confusion")
    if not matrix or not 2 <= len(matrix["names"]) <= MOST_CLASSES:
        return None
    names = [str(name) for name in matrix["names"]]
    return Figure(
        title="Confusion matrix",
        svg=heat_map(names, matrix["counts"], name="Confusion matrix"),
        caption=f"Each row holds the {matrix.get('unit') or 'rows'} of one true class, each column those predicted "
        "as one class. The diagonal is correct; strong off-diagonal cells are confusions.",
        wide=len(names) > WIDE_FROM,
    )
