"""Metrics that are made of sums over rows (sums.json): word error rate, BLEU, Dice, exact match, errors of forecasts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sonde.metrics.intervals import LEVEL, Interval, bootstrap_sums, wilson

Summed = Mapping[str, np.ndarray]  # (D,) or (D, C) each: of D resamples, or of all rows
TRUTHS = ("words", "characters", "reference", "actual", "count")  # columns that do not depend on the model
ALL_OR_NOTHING = ("accuracy", "exact_match")  # shares of rows, each of which is right or wrong
FEWEST = 5  # rows, of fewer of which resamples tell nothing
SAME = 1e-4  # relative; sums are written with five digits


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Of each row what metrics are made of. rows: in all, of which N may be a sample;  columns: (N, …) each

    unit: what a row is, in words;  wanted: of classes, those other than the background
    """

    unit: str
    rows: int
    index: np.ndarray
    columns: Mapping[str, np.ndarray]
    wanted: Sequence[int] = ()

    def __len__(self) -> int:
        return len(self.index)


def read_sums(details: Mapping[str, Any]) -> Sums | None:
    """Those of one evaluation's files; None where it kept none.

    Raises: KeyError, TypeError, ValueError for a file that holds what no run writes there
    """
    found = details.get("sums")
    if not found or not found["columns"]:
        return None
    columns = {str(name): np.asarray(values, np.float64) for name, values in found["columns"].items()}
    length = len(next(iter(columns.values())))
    index = np.arange(length) if found["index"] is None else np.asarray(found["index"], np.int64)
    if any(len(each) != len(index) or not np.isfinite(each).all() for each in columns.values()) or not len(index):
        return None
    columns["rows"] = np.ones(len(index))
    wanted = [int(number) for number in found.get("wanted") or []]
    return Sums(unit=str(found["unit"])[:40], rows=int(found["rows"]), index=index, columns=columns, wanted=wanted)


def joined_sums(several: Sequence[Sums]) -> Sums:
    """The rows of several evaluations behind one another."""
    return Sums(
        unit=several[0].unit,
        rows=sum(each.rows for each in several),
        index=np.concatenate([each.index for each in several]),
        columns={name: np.concatenate([each.columns[name] for each in several]) for name in several[0].columns},
        wanted=several[0].wanted,
    )


def same_sums(several: Sequence[Sums]) -> bool:
    """Whether all are of the same rows, with the same truths."""
    first = several[0]
    return all(
        each.rows == first.rows
        and np.array_equal(each.index, first.index)
        and all(
            name in each.columns and np.allclose(each.columns[name], first.columns[name], rtol=SAME)
            for name in TRUTHS
            if name in first.columns
        )
        for each in several[1:]
    )


def statistic(sums: Sums, metric: str, prefix: str = "") -> Callable[[Summed], np.ndarray] | None:
    """A metric as a function of sums; None for one that is more than that. prefix: of the columns of another model's errors"""
    needed, function = _MADE_OF.get(metric, ((), None))
    if metric in ("dice", "miou"):
        function = _dice(sums.wanted) if metric == "dice" else _miou
    if function is None:
        return None
    names = [prefix + name if prefix and name not in ("count", "seasonal") else name for name in needed]
    if any(name not in sums.columns for name in names):
        return None
    return lambda summed: function(*(summed[name] for name in names))


def value_of(sums: Sums, function: Callable[[Summed], np.ndarray]) -> float:
    """Of all rows that are kept."""
    with np.errstate(all="ignore"):
        return float(function({name: column.sum(0, keepdims=True) for name, column in sums.columns.items()})[0])


def interval_of_sums(sums: Sums, metric: str, value: float, *, level: float = LEVEL) -> Interval | None:
    """As `answers.interval_of`: around `value`, which is of all rows."""
    function = statistic(sums, metric)
    if function is None:
        return None
    if metric in ALL_OR_NOTHING:
        return wilson(round(value * sums.rows), sums.rows, level=level)
    return _around(sums, function, value, level)


def beside_the_baseline(sums: Sums, metric: str, difference: float, *, level: float = LEVEL) -> Interval | None:
    """Of a score less its baseline's where both were kept of each row: what makes a row hard for both falls out."""
    ours, theirs = statistic(sums, metric), statistic(sums, metric, "baseline_")
    if ours is None or theirs is None:
        return None
    return _around(sums, lambda summed: ours(summed) - theirs(summed), difference, level)


def paired_sums(first: Sequence[Sums], second: Sequence[Sums], metric: str, *, level: float) -> Interval | None:
    """As `answers.paired`: of the difference of the means of two sides' runs, on the same rows."""
    functions = [statistic(each, metric) for each in (*first, *second)]
    known = [function for function in functions if function is not None]
    if len(known) < len(functions):
        return None
    runs = [*first, *second]
    if len(runs[0]) < FEWEST:
        return None
    columns = {f"{place} {name}": column for place, each in enumerate(runs) for name, column in each.columns.items()}

    def difference(summed: Summed) -> np.ndarray:
        values = [
            function({name: summed[f"{place} {name}"] for name in each.columns})
            for place, (function, each) in enumerate(zip(known, runs, strict=True))
        ]
        return np.mean(values[: len(first)], axis=0) - np.mean(values[len(first) :], axis=0)

    try:
        return bootstrap_sums(difference, columns, level=level)
    except ValueError:
        return None


def _around(sums: Sums, function: Callable[[Summed], np.ndarray], value: float, level: float) -> Interval | None:
    sampled, narrower = value_of(sums, function), (len(sums) / sums.rows) ** 0.5
    if len(sums) < FEWEST or not np.isfinite(sampled):
        return None
    try:
        found = bootstrap_sums(function, sums.columns, level=level)
    except ValueError:  # one row, or hardly any resample has a value
        return None
    if (
        found.low == found.high
    ):  # rows that are all alike, such as ones without an error, do not tell what another would be
        return None
    return Interval(value + (found.low - sampled) * narrower, value + (found.high - sampled) * narrower)


def _bleu(predicted: np.ndarray, reference: np.ndarray, agree: np.ndarray, total: np.ndarray) -> np.ndarray:
    """0 to 100, as sacrebleu with smoothing "exp"; agree and total (D, 4) by the length of n-grams."""
    none = (agree == 0).cumsum(1)
    precision = np.where(agree > 0, agree / total, 1 / (2.0**none * total))
    short = np.exp(np.minimum(0, 1 - reference / predicted))
    there = (total > 0).all(1) & (agree > 0).any(1)
    return np.where(there, 100 * short * np.exp(np.log(precision).mean(1)), 0.0)


def _dice(wanted: Sequence[int]) -> Callable[..., np.ndarray]:
    """The mean over the wanted classes that occur."""

    def dice(agree: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> np.ndarray:
        places = list(wanted)
        return _mean_of_known(2 * agree[:, places] / (predicted + actual)[:, places])

    return dice


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """(D, C) -> (D,), without those that are NaN; NaN where all are."""
    known = np.isfinite(values)
    return np.where(known, values, 0).sum(1) / known.sum(1)


def _miou(agree: np.ndarray, predicted: np.ndarray, actual: np.ndarray) -> np.ndarray:
    return _mean_of_known(agree / (predicted + actual - agree))


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return part / whole


def _root(square: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.sqrt(square / whole)


_PIXELS = ("agree", "predicted", "actual")
_MADE_OF: dict[str, tuple[tuple[str, ...], Callable[..., np.ndarray] | None]] = {
    "wer": (("word_edits", "words"), _share),
    "cer": (("character_edits", "characters"), _share),
    "accuracy": (("right", "rows"), _share),
    "exact_match": (("exact_match", "rows"), _share),
    "f1": (("f1", "rows"), _share),
    "bleu": (("predicted", "reference", "agree", "total"), _bleu),
    "dice": (_PIXELS, None),
    "miou": (_PIXELS, None),
    "pixel_accuracy": (("agree", "actual"), lambda agree, actual: agree.sum(1) / actual.sum(1)),
    "mse": (("square", "count"), _share),
    "mae": (("absolute", "count"), _share),
    "mase": (("scaled", "seasonal"), _share),
    "raw_mae": (("raw_absolute", "count"), _share),
    "raw_rmse": (("raw_square", "count"), _root),
    "return": (("return", "rows"), _share),
    "length": (("length", "rows"), _share),
}
