"""Columns that give the target away: one column alone predicts it nearly perfectly on rows it was not fitted on.

A copy of the target under another name or coding does that, and so does what is only known afterwards. Row numbers and ids
do not: `sonde.modalities.table` leaves out what only identifies rows, and columns that just count upwards are passed by here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonde.core.dataset import Column, TargetSpec

NEARLY = 0.99  # balanced accuracy, or R2 of ranks. The best honest single columns: iris petal width 0.96, mushroom odour 0.985
QUICK = 0.95  # of a first look at fewer rows, below which a column is passed by
QUICK_ROWS = 2000
MOST_ROWS = 20_000
FEWEST_ROWS = 30  # fewer, and one of many columns fits by luck
FOLDS = 3
STEADY = 0.99  # correlation with the row's number
LEAVES = 32  # of a tree on one column: enough for any smooth relation, too few to memorise rows


@dataclass(frozen=True, kw_only=True)
class Leak:
    """A column that predicts a target alone."""

    column: str  # the table's own name
    target: str
    score: float
    measure: str  # "balanced accuracy" or "R2 of ranks"
    rows: int  # held-out rows it was measured on


def leaking_columns(
    features: np.ndarray,
    columns: Sequence[Column],
    target: np.ndarray,
    spec: TargetSpec,
    *,
    mask: np.ndarray | None = None,
) -> list[Leak]:
    """Leaks of (n, features) encoded training rows, best first, each source column once.

    target: as in TargetSpec; mask: like target where some are missing, 0 there
    """
    best: dict[str, Leak] = {}
    classes = spec.kind != "value"
    for name, values, there in _outputs(target, spec, mask):
        rows = np.flatnonzero(there)
        rows = rows[np.random.default_rng(0).permutation(len(rows))[:MOST_ROWS]]
        if len(rows) < FEWEST_ROWS:
            continue
        wanted = values[rows] if classes else _ranks(values[rows])
        for place, column in enumerate(columns):
            feature = features[rows, place]
            if column.date_order or _counts_upwards(features[:, place]):
                continue  # a series is smooth in time, and rows sorted by target are in their number; neither is a leak
            category = column.kind == "category"
            quick = slice(0, QUICK_ROWS)
            if len(rows) > QUICK_ROWS and _held_out(feature[quick], wanted[quick], category, classes) < QUICK:
                continue
            score = _held_out(feature, wanted, category, classes)
            if score >= NEARLY and (column.source not in best or score > best[column.source].score):
                measure = "balanced accuracy" if classes else "R2 of ranks"
                best[column.source] = Leak(
                    column=column.source, target=name, score=score, measure=measure, rows=len(rows)
                )
    return sorted(best.values(), key=lambda leak: -leak.score)


def _outputs(target: np.ndarray, spec: TargetSpec, mask: np.ndarray | None) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(name, values (n,), where known (n,)) of each thing to predict; a class target is one."""
    if spec.kind == "class":
        return [("the class", target, np.ones(len(target), bool))]
    known = np.ones(target.shape, bool) if mask is None else mask > 0
    return [(name, target[:, place], known[:, place]) for place, name in enumerate(spec.names)]


def _ranks(values: np.ndarray) -> np.ndarray:
    """Places in order from 0 to 1, ties sharing theirs: a few far values then neither hide a copy nor make one."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return ((np.cumsum(counts) - counts / 2) / len(values))[place]


def _counts_upwards(feature: np.ndarray) -> bool:
    """Whether a column rises or falls from row to row and steadily, as ids and sorted times do.

    Steadily, because in a table sorted by its target a copy of the target rises as well, in its own uneven steps.
    """
    steps = np.diff(feature)
    if not ((steps > 0).all() or (steps < 0).all()):
        return False
    return bool(abs(np.corrcoef(feature, np.arange(len(feature)))[0, 1]) > STEADY)


def _held_out(feature: np.ndarray, target: np.ndarray, category: bool, classes: bool) -> float:
    """Score of predictions for every row, each made without its own fold. Rows come shuffled."""
    predicted = np.empty(len(target), np.float64)
    fold = np.arange(len(target)) % FOLDS
    for held in range(FOLDS):
        fit, test = fold != held, fold == held
        predict = _by_category if category else _by_tree
        predicted[test] = predict(feature[fit], target[fit], feature[test], classes)
    if classes:  # balanced accuracy: the mean over classes of the share found
        return float(np.mean([(predicted[target == value] == value).mean() for value in np.unique(target)]))
    return float(1 - ((target - predicted) ** 2).sum() / max(((target - target.mean()) ** 2).sum(), 1e-12))


def _by_category(x: np.ndarray, y: np.ndarray, new: np.ndarray, classes: bool) -> np.ndarray:
    """The commonest class or the mean of a category's rows; of all rows for one not seen."""
    codes, place = np.unique(x, return_inverse=True)
    if classes:
        values, coded = np.unique(y, return_inverse=True)
        counts = np.zeros((len(codes) + 1, len(values)))
        np.add.at(counts, (place, coded), 1)
        counts[-1] = np.bincount(coded, minlength=len(values))
        answer = values[counts.argmax(axis=1)]
    else:
        answer = np.append(np.bincount(place, y) / np.bincount(place), y.mean())
    where = np.searchsorted(codes, new).clip(max=len(codes) - 1)
    return answer[np.where(codes[where] == new, where, len(codes))]


def _by_tree(x: np.ndarray, y: np.ndarray, new: np.ndarray, classes: bool) -> np.ndarray:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if classes:
        leaves = max(LEAVES, 4 * len(np.unique(y)))
        tree = DecisionTreeClassifier(max_leaf_nodes=leaves, class_weight="balanced", random_state=0)
    else:
        tree = DecisionTreeRegressor(max_leaf_nodes=4 * LEAVES, random_state=0)
    return tree.fit(x[:, None], y).predict(new[:, None])
