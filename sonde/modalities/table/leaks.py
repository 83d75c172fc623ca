"""Columns that give the target away: one column alone predicts it nearly perfectly on rows it was not fitted on.

A copy of the target under another name or coding does that, and so does what is only known afterwards. Row numbers and ids
do not: `sonde.modalities.table` leaves out what only identifies rows, and columns that just count upwards are passed by here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sonde.core.dataset import Column, Dataset, TargetSpec
from sonde.core.findings import Finding
from sonde.core.units import count, number
from sonde.modalities.table.together import names_a_group

NEARLY = 0.99  # balanced accuracy, or R2 of ranks. The best honest single columns: iris petal width 0.96, mushroom odour 0.985
QUICK = 0.95  # of a first look at fewer rows, below which a column is passed by
QUICK_ROWS = 2000
MOST_ROWS = 20_000
BESIDE = 0.9  # of the first look of all, at which rows are neighbours: a nearly perfect tree needs runs of one class
BEFORE_TRAINING_ROWS = 5000  # and columns: what is looked at costs a few tenths of a second at most
BEFORE_TRAINING_COLUMNS = 500
BEFORE_TRAINING_LEAKS = 4
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


def leaks_before_training(dataset: Dataset) -> list[Finding]:
    """What `leak_findings` tells of a table, on a sample of its training rows; nothing of tables of very many columns, or one.

    A single column is all there is to predict from, and `sonde inspect` looks at all others.
    """
    columns = dataset.schema.input.columns
    if dataset.schema.input.kind != "table" or len(columns) > BEFORE_TRAINING_COLUMNS:
        return []
    if len({column.source for column in columns}) < 2:
        return []
    rows = len(dataset.splits["train"])
    chosen = np.random.default_rng(0).permutation(rows)[:BEFORE_TRAINING_ROWS]
    return leak_findings(dataset, chosen, most=BEFORE_TRAINING_LEAKS)


def leak_findings(dataset: Dataset, chosen: np.ndarray | None = None, *, most: int | None = None) -> list[Finding]:
    """Columns that give the target away. chosen: the training rows that are looked at, by default all;  most: as below"""
    train, schema = dataset.splits["train"], dataset.schema
    if schema.target.kind not in ("class", "value", "labels"):
        return []
    fields = train.read(np.arange(len(train)) if chosen is None else np.sort(chosen))
    leaks = leaking_columns(
        fields["input"], schema.input.columns, fields["target"], schema.target, mask=fields.get("mask"), most=most
    )
    return [
        Finding(
            check="target leak",
            name="target-leak",
            severity="warning",
            certainty="likely",
            where=leak.column,
            evidence=f"column {leak.column!r} alone predicts {leak.target} with {leak.measure} {number(leak.score, 4)} "
            f"({count(leak.rows)} rows, each held out once)",
            action=_instead(leak.column),  # the flag that silences it is said behind every warning
        )
        for leak in leaks
    ]


def _instead(column: str) -> str:
    """What to do about a column that gives the target away."""
    if names_a_group(column):
        return f"name it with --group {column!r}, which keeps its rows in one split and out of the input"
    return f"remove {column!r} if it is a copy of the target or not yet known when you predict; if it is known then, keep it"


def leaking_columns(
    features: np.ndarray,
    columns: Sequence[Column],
    target: np.ndarray,
    spec: TargetSpec,
    *,
    mask: np.ndarray | None = None,
    most: int | None = None,
) -> list[Leak]:
    """Leaks of (n, features) encoded training rows, best first, each source column once.

    target: as in TargetSpec; mask: like target where some are missing, 0 there
    most: columns that are looked at closely, for each target those that look most like it
    """
    best: dict[str, Leak] = {}
    classes = spec.kind != "value"
    for name, values, there in _outputs(target, spec, mask):
        rows = np.flatnonzero(there)
        rows = rows[np.random.default_rng(0).permutation(len(rows))[:MOST_ROWS]]
        if len(rows) < FEWEST_ROWS:
            continue
        wanted = values[rows] if classes else _ranks(values[rows])
        quick = slice(0, QUICK_ROWS)
        alike = {
            place: _beside(features[rows[quick], place], wanted[quick], classes)
            for place, column in enumerate(columns)
            if not column.date_order and not _counts_upwards(features[:, place])
        }  # a series is smooth in time, and rows sorted by target are in their number; neither is a leak
        # of most tables no column is left, so that no tree is fitted and its library not imported
        suspects = sorted((place for place in alike if alike[place] >= BESIDE), key=lambda place: -alike[place])
        for place in suspects[:most]:
            column, feature = columns[place], features[rows, place]
            category = column.kind == "category"
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


def _beside(feature: np.ndarray, target: np.ndarray, classes: bool) -> float:
    """How alike rows are that stand beside one another in the order of a column; 1 for equal targets.

    The mean over classes of the share that has a neighbour of its own; of values 1 less the share of the variance left between
    neighbours, which is the R2 that the nearest of them has.
    """
    ordered = target[np.argsort(feature, kind="stable")]
    if not classes:
        between = float(np.mean(np.diff(ordered) ** 2)) / 2
        return 1 - between / max(float(ordered.var()), 1e-12)
    same = ordered[1:] == ordered[:-1]
    kept = np.append(same, False) | np.append(False, same)
    return float(np.mean([kept[ordered == value].mean() for value in np.unique(ordered)]))


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
