"""Scores of several seeds, of one environment or of several: what holds of a setting, and not of its luckiest seed.

Without torch: `sonde compare` uses it. Source of all: Agarwal et al. 2021, arXiv:2108.13264 (rliable), whose definitions these
are. Scores are given as one array for each environment, of one number a seed; what is random has a fixed seed.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np

from sonde.metrics.intervals import DRAWS, LEVEL, SEED, Interval, Values, expanded, normal_quantile

HALVINGS = 50  # more than a float can tell apart
CUT = 0.25  # of the scores at either end, which an interquartile mean leaves out
Statistic = Callable[[Sequence[np.ndarray]], np.ndarray]


def interquartile_mean(scores: Sequence[Values]) -> float:
    """The mean of the middle half of all scores: nearly as sure as a mean, and an outlier does not move it. (IQM)

    Of fewer than four scores in all none is left out, as with scipy's trim_mean.

    >>> interquartile_mean([[0.0, 1.0, 2.0, 90.0]]), interquartile_mean([[1.0, 2.0], [3.0, 10.0]])
    (1.5, 2.5)

    Raises: ValueError for scores that are none, or not finite
    """
    return float(_trimmed(_drawn_once(scores))[0])


def probability_of_improvement(first: Sequence[Values], second: Sequence[Values]) -> float:
    """How probable it is that a seed of `first` scores more than one of `second`: Mann and Whitney's U over the number of pairs,
    the mean over environments. Ties count a half.

    >>> probability_of_improvement([[2.0, 3.0]], [[1.0, 2.0]])
    0.875

    Raises: ValueError
    """
    return float(_improved(_drawn_once(first), _drawn_once(second))[0])


def iqm_interval(
    scores: Sequence[Values], *, level: float = LEVEL, draws: int = DRAWS, seed: int = SEED, few: bool = True
) -> Interval:
    """Of the interquartile mean, by a stratified bootstrap: the seeds of each environment are drawn anew, none from another's.

    few: let the percentiles lie further out where there are few seeds (`intervals.expanded`), since resamples of a few vary less
         than new seeds would; without, they are rliable's, which of 3 seeds hold the truth far less often than they say
    Raises: ValueError, also for an environment of one seed
    """
    columns = _checked(scores, least=2)
    found = _trimmed(_resampled(columns, np.random.default_rng(seed), draws))
    return _ends(found, expanded(level, min(map(len, columns))) if few else level)


def improvement_interval(
    first: Sequence[Values],
    second: Sequence[Values],
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = SEED,
    few: bool = True,
) -> Interval:
    """Of the probability of improvement. Where all seeds of a side are above all of the other, it is no point.

    few: by a score interval of Mann and Whitney's U for each environment, the mean over environments as one of what knows nothing
         of each other; without, by drawing seeds anew on both sides as rliable does, which of few seeds is false certainty
    Source: Newcombe 2006, Statistics in Medicine 25, part 2, method 5; of means Zou and Donner 2008, Statistics in Medicine 27
    Raises: ValueError
    """
    mine, others = _checked(first, least=2), _checked(second, least=2)
    if not few:
        generator = np.random.default_rng(seed)
        return _ends(_improved(_resampled(mine, generator, draws), _resampled(others, generator, draws)), level)
    found = [float(_improved([one[None]], [other[None]])[0]) for one, other in zip(mine, others, strict=True)]
    around = [_of_pairs(*each, level) for each in zip(found, map(len, mine), map(len, others), strict=True)]
    below = math.hypot(*(value - each.low for value, each in zip(found, around, strict=True))) / len(found)
    above = math.hypot(*(each.high - value for value, each in zip(found, around, strict=True))) / len(found)
    mean = sum(found) / len(found)
    return Interval(mean - below, mean + above)


def _of_pairs(found: float, first: int, second: int, level: float) -> Interval:
    """Of the probability that one of `first` is above one of `second`, which is a share of their pairs."""
    z = normal_quantile(level)

    def rejected(true: float) -> bool:
        more = (first + second) / 2 - 1
        spread = 1 + more * (1 - true) / (2 - true) + more * true / (1 + true)
        return (found - true) ** 2 > z**2 * true * (1 - true) * spread / (first * second)

    def end(outer: float) -> float:
        inner = found
        for _ in range(HALVINGS):
            middle = (inner + outer) / 2
            inner, outer = (inner, middle) if rejected(middle) else (middle, outer)
        return outer

    return Interval(0.0 if found == 0 else end(0.0), 1.0 if found == 1 else end(1.0))


def _trimmed(drawn: Sequence[np.ndarray]) -> np.ndarray:
    """(draws,) interquartile means of (draws, seeds) of each environment."""
    whole = np.sort(np.concatenate(drawn, axis=1), axis=1)
    cut = int(CUT * whole.shape[1])
    return whole[:, cut : whole.shape[1] - cut].mean(1)


def _improved(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> np.ndarray:
    """(draws,) probabilities, of (draws, seeds) of each environment on either side."""
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} environments are not pairs")
    wins = []
    for mine, others in zip(first, second, strict=True):
        apart = mine[:, :, None] - others[:, None, :]
        wins.append(((apart > 0) + 0.5 * (apart == 0)).mean((1, 2)))
    return np.mean(wins, axis=0)


def _drawn_once(scores: Sequence[Values]) -> list[np.ndarray]:
    return [each[None] for each in _checked(scores, least=1)]


def _resampled(columns: Sequence[np.ndarray], generator: np.random.Generator, draws: int) -> list[np.ndarray]:
    return [each[generator.integers(len(each), size=(draws, len(each)))] for each in columns]


def _checked(scores: Sequence[Values], *, least: int) -> list[np.ndarray]:
    columns = [np.asarray(each, np.float64).reshape(-1) for each in scores]
    if not columns or min(map(len, columns)) < least:
        raise ValueError(f"each environment needs {least} or more scores")
    if not all(np.isfinite(each).all() for each in columns):
        raise ValueError("some scores are not finite")
    return columns


def _ends(values: np.ndarray, level: float) -> Interval:
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
