import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.metrics import average_precision_score, roc_auc_score

from sonde.metrics import order_intervals
from sonde.metrics.order_intervals import area_gained, mean_area_interval, mean_precision_interval
from sonde.metrics.ranking import Ranking
from sonde.metrics.roc import area_interval

GENERATOR = np.random.default_rng(0)
LABELS = (GENERATOR.random((250, 3)) < [0.5, 0.2, 0.7]).astype(int)
SHARED = GENERATOR.normal(size=(250, 1))  # what makes a row hard in all columns
SCORES = (GENERATOR.normal(size=(250, 3)) + 1.5 * SHARED + 2 * LABELS).round(1)  # with ties


def ranking(scores: np.ndarray, labels: np.ndarray, counted: np.ndarray | None = None, **limits: int) -> Ranking:
    found = Ranking(**limits)
    marks = None if counted is None else torch.from_numpy(counted)
    found.update(torch.from_numpy(scores), torch.from_numpy(labels), marks)
    return found


def drawn_again(score: object) -> tuple[float, float]:
    """scipy's percentiles over rows of a score by scikit-learn, averaged over the columns."""

    def mean(places: np.ndarray) -> float:
        return float(np.mean([score(LABELS[places, c], SCORES[places, c]) for c in range(3)]))  # type: ignore[operator]

    found = stats.bootstrap(
        (np.arange(250),), mean, method="percentile", n_resamples=200, vectorized=False, rng=np.random.default_rng(1)
    ).confidence_interval
    return float(found.low), float(found.high)


def test_of_one_column_it_is_delongs() -> None:
    one = ranking(SCORES[:, :1], LABELS[:, :1])
    assert mean_area_interval(one) == area_interval(one.counts()[0])


def test_the_mean_area_is_as_sure_as_resamples_of_rows_say() -> None:
    found, (low, high) = mean_area_interval(ranking(SCORES, LABELS)), drawn_again(roc_auc_score)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.2 * (high - low))


def test_columns_that_say_the_same_are_no_more_than_one() -> None:
    scores, labels = np.repeat(SCORES[:, :1], 3, 1), np.repeat(LABELS[:, :1], 3, 1)
    one, three = (mean_area_interval(each) for each in (ranking(SCORES[:, :1], LABELS[:, :1]), ranking(scores, labels)))
    assert one is not None
    assert three is not None
    assert (three.low, three.high) == pytest.approx((one.low, one.high), abs=1e-9)


def test_the_mean_average_precision_is_as_sure_as_resamples_of_rows_say() -> None:
    found, (low, high) = mean_precision_interval(ranking(SCORES, LABELS)), drawn_again(average_precision_score)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.2 * (high - low))


def test_entries_that_are_not_counted_count_nowhere() -> None:
    counted = np.ones_like(LABELS)
    counted[200:] = 0
    garbage = np.where(counted > 0, SCORES, 99.0)
    found, known = ranking(garbage, LABELS, counted), ranking(SCORES[:200], LABELS[:200])
    one, other = mean_area_interval(found), mean_area_interval(known)
    assert one is not None
    assert other is not None
    assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_a_sample_of_the_rows_is_as_sure_as_all(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = mean_area_interval(ranking(SCORES, LABELS))
    monkeypatch.setattr(order_intervals, "MOST", 3 * 150)
    part = mean_area_interval(ranking(SCORES, LABELS))
    assert whole is not None
    assert part is not None
    assert part != whole
    assert part.high - part.low == pytest.approx(whole.high - whole.low, rel=0.25)


def test_binned_scores_and_faultless_ones_have_the_columns_own_intervals_averaged() -> None:
    binned = ranking(SCORES, LABELS, max_rows=100)
    each = [area_interval(column) for column in binned.counts()]
    found = mean_area_interval(binned)
    assert found is not None
    assert found.low == pytest.approx(np.mean([one.low for one in each if one is not None]))
    assert mean_precision_interval(binned) is None
    faultless = mean_area_interval(ranking(LABELS.astype(float), LABELS))
    assert faultless is not None
    assert faultless.high == 1
    assert 0.9 < faultless.low < 1


def test_without_both_truths_nothing_is_told() -> None:
    nothing = ranking(SCORES, np.zeros_like(LABELS))
    assert mean_area_interval(nothing) is None
    assert mean_precision_interval(nothing) is None


def test_the_gain_of_one_area_over_another_is_delongs() -> None:
    rng = np.random.default_rng(0)
    truth = np.arange(60) % 3 == 0
    first = rng.standard_normal(60) + truth
    second = first + rng.standard_normal(60) + truth
    pairs = [np.sign(each[truth][:, None] - each[~truth]) / 2 + 0.5 for each in (first, second)]  # (true, false)
    gain = pairs[1] - pairs[0]
    variance = gain.mean(1).var(ddof=1) / truth.sum() + gain.mean(0).var(ddof=1) / (~truth).sum()
    found = area_gained(first, second, truth)
    assert found is not None
    assert (found.low + found.high) / 2 == pytest.approx(gain.mean())
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * variance**0.5, rel=1e-5)
    assert area_gained(first, second, np.zeros(60, bool)) is None
