"""Beside scipy, and beside what rliable 1.2.0 gives of the same scores."""

from statistics import NormalDist

import numpy as np
import pytest
from scipy import stats

from sonde.metrics.across_seeds import (
    improvement_interval,
    interquartile_mean,
    iqm_interval,
    probability_of_improvement,
)

FIRST = [
    [0.311, 0.684, 0.489, 0.927, 0.408, 0.254],
    [0.335, 0.827, 0.443, 0.655, 0.92, 0.583],
    [0.55, 0.622, 0.75, 0.353, 0.641, 0.367],
]  # three environments of six seeds
SECOND = [
    [0.311, 0.666, 0.623, 0.423, 0.113, 0.409],
    [0.354, 0.481, 0.749, 0.206, 0.506, 0.186],
    [0.286, 0.323, 0.007, 0.448, 0.489, 0.381],
]


@pytest.mark.parametrize("seeds", [1, 2, 3, 4, 5, 7, 8, 30])
def test_the_interquartile_mean_is_scipys_trimmed_mean(seeds: int) -> None:
    scores = np.random.default_rng(seeds).normal(size=seeds)
    assert interquartile_mean([scores]) == pytest.approx(stats.trim_mean(scores, 0.25))


def test_point_estimates_are_rliables() -> None:
    assert interquartile_mean(FIRST) == pytest.approx(0.5442)
    assert interquartile_mean(SECOND) == pytest.approx(0.3905)
    assert probability_of_improvement(FIRST, SECOND) == pytest.approx(0.7175925925925926)


def test_the_probability_of_improvement_is_mann_and_whitneys_u_over_the_pairs() -> None:
    first, second = [3.0, 1.0, 2.0, 2.0], [2.0, 0.0, 5.0]
    u = stats.mannwhitneyu(first, second).statistic
    assert probability_of_improvement([first], [second]) == pytest.approx(u / 12)
    assert probability_of_improvement([second], [first]) == pytest.approx(1 - u / 12)


def test_intervals_are_rliables_to_what_chance_leaves() -> None:
    """rliable, 20,000 resamples of the one and 1,000 of the other."""
    found = iqm_interval(FIRST, draws=20_000, few=False)
    assert (found.low, found.high) == pytest.approx((0.4366, 0.6673), abs=0.003)
    found = improvement_interval(FIRST, SECOND, draws=20_000, few=False)
    assert (found.low, found.high) == pytest.approx((0.5323, 0.8704), abs=0.015)


def test_seeds_are_drawn_within_their_environment() -> None:
    """Of environments that lie far apart, and seeds that agree, nothing is left to chance."""
    scores = [[0.0] * 4, [100.0] * 4]
    found = iqm_interval(scores)
    assert (found.low, found.high, interquartile_mean(scores)) == (50.0, 50.0, 50.0)


def test_an_interval_of_three_seeds_holds_the_truth_about_as_often_as_it_says() -> None:
    """rliable's percentiles hold the mean of three normal seeds in about three of four cases; those further out in most."""
    generator = np.random.default_rng(0)
    draws = generator.normal(size=(400, 3))
    held = {
        few: np.mean([iqm_interval([each], draws=500, few=few).holds(0.0) for each in draws]) for few in (False, True)
    }
    assert held[False] < 0.8
    assert held[True] > held[False]


@pytest.mark.parametrize("scores", [[], [[]], [[1.0], [1.0, 2.0]], [[1.0, float("nan")]]])
def test_what_has_no_interval_is_refused(scores: list[list[float]]) -> None:
    with pytest.raises(ValueError, match=r"scores"):
        iqm_interval(scores)
    with pytest.raises(ValueError, match="not pairs"):
        probability_of_improvement([[1.0], [2.0]], [[1.0]])


def test_seeds_that_are_all_above_the_others_are_no_certainty() -> None:
    three = improvement_interval([[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]])
    assert (three.low, three.high) == (0.0, pytest.approx(0.498, abs=0.005))
    ten = improvement_interval([np.arange(10.0)], [np.arange(10.0) + 20])
    assert 0.05 < ten.high < three.high / 2
    other = improvement_interval([[4.0, 5.0, 6.0]], [[1.0, 2.0, 3.0]])
    assert (other.low, other.high) == (pytest.approx(1 - three.high), 1.0)
    assert improvement_interval([[1.0, 2.0, 3.0]] * 4, [[4.0, 5.0, 6.0]] * 4).high == pytest.approx(three.high / 2)


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_a_few_seeds_hold_the_probability_of_improvement(shift: float) -> None:
    random, truth = np.random.default_rng(3), NormalDist().cdf(shift / 2**0.5)
    draws = [(random.normal(shift, size=5), random.normal(size=5)) for _ in range(400)]
    held = np.mean([improvement_interval([one], [other]).holds(truth) for one, other in draws])
    assert 0.9 <= held <= 0.99
