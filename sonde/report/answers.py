"""What was answered for each evaluated row (answers.json): how sure a score is, and whether two differ on the same rows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sonde.metrics.intervals import LEVEL, Interval, bootstrap, bootstrap_difference, bootstrap_mean, wilson

SAME = 1e-4  # relative; targets are written with five digits, and went through a scale that may differ


@dataclass(frozen=True, kw_only=True)
class Answers:
    """Rows of an evaluation, (N,) each. rows: evaluated in all, of which N may be a sample

    log_loss: -log p of the truth; None where outputs are no probabilities;  classes: whether targets are numbers of classes
    plain_loss: whether the run's loss is the mean of `log_loss`, as cross-entropy without weights or smoothing is
    """

    rows: int
    index: np.ndarray
    target: np.ndarray
    prediction: np.ndarray
    log_loss: np.ndarray | None = field(default=None)
    classes: bool = False
    plain_loss: bool = False


def read_answers(details: Mapping[str, Any]) -> Answers | None:
    """Those of one evaluation's files (`Reading.evaluated[split]`); None where it kept none, or something is not finite.

    Raises: KeyError, TypeError, ValueError for a file that holds what no run writes there
    """
    found = details.get("answers")
    if not found or not found["target"]:
        return None
    target, prediction = np.asarray(found["target"], np.float64), np.asarray(found["prediction"], np.float64)
    index = np.arange(len(target)) if found["index"] is None else np.asarray(found["index"], np.int64)
    loss, mean = found.get("log_loss"), (details.get("metrics") or {}).get("loss")
    known = None if loss is None or None in loss else np.asarray(loss, np.float64)
    plain = False
    if known is not None and len(known) == int(found["rows"]) and isinstance(mean, int | float):
        plain = bool(np.isclose(known.mean(), mean, rtol=SAME))
    if not (np.isfinite(target).all() and np.isfinite(prediction).all()) or len(index) != len(target):
        return None
    return Answers(
        rows=int(found["rows"]),
        index=index,
        target=target,
        prediction=prediction,
        log_loss=known,
        classes=all(isinstance(value, int) for value in found["target"]),
        plain_loss=plain,
    )


def joined(several: Sequence[Answers]) -> Answers:
    """The rows of several evaluations behind one another, such as those of all folds."""
    losses = [each.log_loss for each in several]
    return Answers(
        rows=sum(each.rows for each in several),
        index=np.concatenate([each.index for each in several]),
        target=np.concatenate([each.target for each in several]),
        prediction=np.concatenate([each.prediction for each in several]),
        log_loss=None if any(loss is None for loss in losses) else np.concatenate(losses),  # type: ignore[arg-type]
        classes=several[0].classes,
        plain_loss=all(each.plain_loss for each in several),
    )


def same_rows(several: Sequence[Answers]) -> bool:
    """Whether all are of the same rows, in one order: the same numbers, and the same truths."""
    first = several[0]
    return all(
        each.rows == first.rows
        and np.array_equal(each.index, first.index)
        and np.allclose(each.target, first.target, rtol=SAME, atol=1e-12)
        for each in several[1:]
    )


def row_values(answers: Answers, metric: str) -> np.ndarray | None:
    """Values of rows whose mean is a metric, (N,); None for a metric that is no mean of rows, or of what is not known."""
    if metric == "accuracy" and answers.classes:
        return (answers.prediction == answers.target).astype(np.float64)
    if metric == "log_loss" or (metric == "loss" and answers.plain_loss):
        return answers.log_loss
    if metric == "mae" and not answers.classes:
        return np.abs(answers.prediction - answers.target)
    return None


def score(metric: str, *, classes: bool) -> Callable[[np.ndarray, np.ndarray], float] | None:
    """A metric as a function of targets and predictions, (N,) each; None for one that is more than that."""
    return (_OF_CLASSES if classes else _OF_VALUES).get(metric)


def interval_of(answers: Answers, metric: str, value: float, *, level: float = LEVEL) -> Interval | None:
    """How far a score may be off because only so many rows were evaluated; None for a metric that the rows do not tell.

    value: the metric over all rows, around which the interval of a sample of them is put
    """
    rows = row_values(answers, metric)
    share = len(answers.target) / answers.rows
    if metric == "accuracy" and rows is not None:
        return wilson(round(value * answers.rows), answers.rows, level=level)
    if rows is not None:
        return _around(value, float(rows.mean()), bootstrap_mean(rows, level=level), share)
    function = score(metric, classes=answers.classes)
    if function is None:
        return None
    try:
        found = bootstrap(function, answers.target, answers.prediction, level=level, draws=1000)
    except ValueError:  # hardly any resample has a value
        return None
    return _around(value, function(answers.target, answers.prediction), found, share)


def paired(first: Sequence[Answers], second: Sequence[Answers], metric: str, *, level: float) -> Interval | None:
    """Of the difference of the means of two sides' runs, first - second, all evaluated on the same rows; None for what rows do
    not tell.
    """
    a, b = ([row_values(each, metric) for each in side] for side in (first, second))
    if all(rows is not None for rows in (*a, *b)):
        mean_a, mean_b = (np.mean([rows for rows in side if rows is not None], axis=0) for side in (a, b))
        return bootstrap_difference(mean_a, mean_b, level=level)
    function = score(metric, classes=first[0].classes)
    if function is None:
        return None
    width = len(first)

    def difference(target: np.ndarray, *predictions: np.ndarray) -> float:
        values = [function(target, prediction) for prediction in predictions]
        return float(np.mean(values[:width]) - np.mean(values[width:]))

    columns = [each.prediction for each in (*first, *second)]
    try:
        return bootstrap(difference, first[0].target, *columns, level=level, draws=1000)
    except ValueError:
        return None


def _around(value: float, sampled: float, found: Interval, share: float) -> Interval:
    """An interval of a sample's score as one of all rows': around their score, and narrower by the root of the sample's share."""
    narrower = share**0.5
    return Interval(value + (found.low - sampled) * narrower, value + (found.high - sampled) * narrower)


def _counts(target: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(right, actual, predicted) rows of each class, (C,) each."""
    truth, found = target.astype(np.int64), prediction.astype(np.int64)
    most = int(max(truth.max(), found.max(), 1)) + 1
    right, actual, predicted = (np.bincount(rows, minlength=most) for rows in (truth[truth == found], truth, found))
    return right, actual, predicted


def _f1(target: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    right, actual, predicted = _counts(target, prediction)
    both = actual + predicted
    return np.where(both > 0, 2 * right / np.maximum(both, 1), np.nan)


def _balanced_accuracy(target: np.ndarray, prediction: np.ndarray) -> float:
    right, actual, _ = _counts(target, prediction)
    return float((right[actual > 0] / actual[actual > 0]).mean())


def _r2(target: np.ndarray, prediction: np.ndarray) -> float:
    varies = float(np.square(target - target.mean()).sum())
    return 1 - float(np.square(prediction - target).sum()) / varies if varies else float("nan")


_OF_CLASSES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "macro_f1": lambda target, prediction: float(np.nanmean(_f1(target, prediction))),
    "f1": lambda target, prediction: float(_f1(target, prediction)[1]),
    "balanced_accuracy": _balanced_accuracy,
}
_OF_VALUES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "rmse": lambda target, prediction: float(np.sqrt(np.square(prediction - target).mean())),
    "r2": _r2,
}
