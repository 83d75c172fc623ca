"""Trees that tell made rows from real ones, beside what no classifier can do better."""

import numpy as np
import pytest
from scipy import stats

from sonde.metrics.two_sample_classifier import FEWEST, told_apart


def test_of_shifted_normal_rows_it_is_nearly_the_best_that_there_is() -> None:
    drawn = np.random.default_rng(0)
    real, made = drawn.normal(size=(1000, 2)), drawn.normal(size=(1000, 2)) + [1.2, 0]
    found = told_apart(made, real, [False, False])
    assert found is not None
    best = stats.norm.cdf(1.2 / 2**0.5)
    assert best - 0.05 < found.auroc < best + 0.02
    assert found.interval.low < found.auroc < found.interval.high < found.interval.low + 0.06


def test_columns_that_are_right_alone_and_wrong_together_are_told() -> None:
    drawn = np.random.default_rng(1)
    code, gaps = drawn.integers(0, 2, 300) * 1.0, drawn.random(300) < 0.2
    real = np.stack([code, np.where(gaps, np.nan, code + 0.1 * drawn.normal(size=300))], 1)
    made = np.stack([drawn.permutation(column) for column in real.T], 1)
    found = told_apart(made, real, [True, False])
    assert found is not None
    assert 0.52 < found.interval.low < 0.5 + 0.4 / 2  # what can be told is that 4 of 10 made rows do not match


def test_rows_of_one_source_are_not_told() -> None:
    areas = []
    for seed in range(4):
        drawn = np.random.default_rng(seed)
        found = told_apart(drawn.normal(size=(300, 3)), drawn.normal(size=(100, 3)), [False] * 3)
        assert found is not None
        areas.append(found.auroc)
    assert np.mean(areas) == pytest.approx(0.5, abs=0.05)


def test_of_few_rows_nothing_is_said() -> None:
    rows = np.zeros((FEWEST - 1, 2))
    assert told_apart(rows, np.zeros((900, 2)), [False, False]) is None
    constant = told_apart(np.zeros((50, 1)), np.zeros((50, 1)), [False])
    assert constant is not None
    assert constant.auroc == 0.5
