import math

import numpy as np
import pytest
from scipy import stats

from sonde.metrics.intervals import (
    MOST_DISTINCT,
    Interval,
    apart,
    at_level,
    bootstrap,
    bootstrap_difference,
    bootstrap_mean,
    bootstrap_sums,
    expanded,
    mcnemar,
    newcombe,
    pooled,
    student,
    welch,
    wilson,
)


@pytest.mark.parametrize(("hits", "rows"), [(0, 7), (7, 7), (1, 3), (81, 263), (9_936, 10_000)])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_wilson_is_scipys(hits: int, rows: int, level: float) -> None:
    found, known = wilson(hits, rows, level=level), stats.binomtest(hits, rows).proportion_ci(level, "wilson")
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=1e-12)


def test_wilson_of_nothing_wrong_is_no_point_and_stays_below_one() -> None:
    z = stats.norm.ppf(0.975)
    assert wilson(50, 50).low == pytest.approx(50 / (50 + z * z))
    assert wilson(50, 50).high == 1.0
    assert wilson(0, 50).low == 0.0


def test_newcombe_is_the_published_example() -> None:
    """Newcombe 1998, table II: 56/70 against 48/80, method 10."""
    found = newcombe((56, 70), (48, 80))
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    turned = newcombe((48, 80), (56, 70))
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))


def test_the_difference_of_equal_intervals_is_wider_by_the_root_of_two() -> None:
    found = apart(5.0, Interval(4.0, 6.0), 3.0, Interval(2.0, 4.0))
    assert (found.low, found.high) == pytest.approx((2 - math.sqrt(2), 2 + math.sqrt(2)))


def test_the_mean_of_a_few_seeds_is_students() -> None:
    scores = [0.91, 0.93, 0.94, 0.9]
    low, high = stats.ttest_1samp(scores, 0).confidence_interval(0.9)
    found = student(scores, level=0.9)
    assert (found.low, found.high) == pytest.approx((low, high))
    with pytest.raises(ValueError, match="at least"):
        student([0.9])


def test_seeds_of_two_settings_are_compared_by_welch() -> None:
    first, second = [0.91, 0.93, 0.94, 0.9], [0.88, 0.96, 0.85]
    low, high = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    found = welch(first, second)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_seeds_that_do_not_spread_differ_by_what_they_differ() -> None:
    assert welch([0.5, 0.5], [0.25, 0.25]) == Interval(0.25, 0.25)
    with pytest.raises(ValueError, match="at least"):
        welch([0.9], [0.8, 0.7])


def test_a_shared_spread_is_that_of_students_test_of_two_samples() -> None:
    first, second = [0.91, 0.93, 0.94, 0.9], [0.88, 0.96, 0.85]
    low, high = stats.ttest_ind(first, second).confidence_interval(0.9)
    spread = pooled([first, [0.7], second])
    assert spread is not None
    assert spread.freedom == 5
    found = spread.difference(float(np.mean(first) - np.mean(second)), 4, 3, level=0.9)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert pooled([[0.7], []]) is None


def test_a_shared_spread_also_judges_single_runs() -> None:
    spread = pooled([[0.91, 0.93, 0.95]])
    assert spread is not None
    half = stats.t.ppf(0.975, 2) * 0.02 * math.sqrt(2)
    found = spread.difference(0.06, 1, 1)
    assert (found.low, found.high) == pytest.approx((0.06 - half, 0.06 + half))


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 5), (0, 1), (1, 9), (121, 59), (800, 1_000)])
def test_mcnemar_is_the_exact_sign_test(first: int, second: int) -> None:
    known = stats.binomtest(first, first + second).pvalue if first + second else 1.0
    assert mcnemar(first, second) == pytest.approx(known, rel=1e-9)
    assert mcnemar(first, second) == mcnemar(second, first)


def test_mcnemar_of_six_rows_that_one_alone_had_right() -> None:
    assert mcnemar(6, 0) == pytest.approx(2 / 64)


def test_the_bootstrap_of_a_mean_has_the_width_of_the_normal_limit() -> None:
    values = np.random.default_rng(1).gamma(2.0, size=400)
    found, half = bootstrap_mean(values), 1.96 * values.std() / math.sqrt(len(values))
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.2 * half)
    assert bootstrap_mean(values) == found  # a fixed seed
    assert bootstrap_mean(values, seed=1) != found


def test_the_bootstrap_is_scipys_percentile_method() -> None:
    values = np.random.default_rng(2).exponential(size=60)
    known = stats.bootstrap((values,), np.mean, n_resamples=4000, method="percentile", rng=3).confidence_interval
    found = bootstrap_mean(values, draws=4000)
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=0.02)


def test_answers_that_are_right_or_wrong_are_drawn_by_their_counts() -> None:
    values = [1.0] * 900 + [0.0] * 100
    low, high = stats.binom.ppf([0.025, 0.975], 1000, 0.9) / 1000
    found = bootstrap_mean(values, draws=20_000)
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.0021)
    assert bootstrap_mean([1.0] * 40) == Interval(1.0, 1.0)
    assert bootstrap_mean([3.5]) == Interval(3.5, 3.5)


def test_of_very_many_values_the_normal_limit_is_taken() -> None:
    values = np.arange(MOST_DISTINCT + 1, dtype=np.float64)
    half = stats.norm.ppf(0.975) * values.std(ddof=1) / math.sqrt(len(values))
    found = bootstrap_mean(values)
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half))


def test_pairs_of_rows_show_a_difference_that_their_own_intervals_hide() -> None:
    rng = np.random.default_rng(4)
    hard = rng.normal(size=200)  # how hard a row is, for both
    first, second = hard + 0.1 + 0.05 * rng.normal(size=200), hard
    apart, together = bootstrap_mean(first), bootstrap_difference(first, second)
    assert apart.holds(second.mean())
    assert 0.08 < together.low < together.high < 0.12
    with pytest.raises(ValueError, match="3 and 2 rows are not pairs"):
        bootstrap_difference([1, 2, 3], [1, 2])


def test_any_statistic_of_columns_is_resampled_by_whole_rows() -> None:
    rng = np.random.default_rng(5)
    truth = rng.normal(size=300)
    found = bootstrap(lambda a, b: float(np.corrcoef(a, b)[0, 1]), truth, truth * 2, draws=200)
    assert (found.low, found.high) == pytest.approx((1.0, 1.0))
    squared = rng.normal(size=300) ** 2
    root = bootstrap(lambda rows: math.sqrt(rows.mean()), squared)
    mean = bootstrap_mean(squared)
    assert (root.low, root.high) == pytest.approx((math.sqrt(mean.low), math.sqrt(mean.high)))


def test_resamples_without_a_value_are_left_out_unless_most_are() -> None:
    rare = [1.0] + [0.0] * 2
    share = bootstrap(lambda rows: rows.mean() if rows.any() else math.nan, rare, draws=300)
    assert share.low == pytest.approx(1 / 3)
    with pytest.raises(ValueError, match="no finite value"):
        bootstrap(lambda rows: math.nan, rare, draws=10)


def test_what_is_no_number_of_rows_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        bootstrap_mean([])
    with pytest.raises(ValueError, match="at least one row"):
        wilson(0, 0)
    with pytest.raises(ValueError, match="8 hits of 7 rows"):
        wilson(8, 7)
    with pytest.raises(ValueError, match="between 0 and 1, not 95"):
        wilson(3, 7, level=95)
    with pytest.raises(ValueError, match="not finite"):
        bootstrap_mean([1.0, math.nan])
    with pytest.raises(ValueError, match="not negative"):
        mcnemar(-1, 2)
    with pytest.raises(ValueError, match="different numbers of rows"):
        bootstrap(lambda a, b: 0.0, [1.0], [1.0, 2.0])


@pytest.mark.parametrize("rows", [40, 400])
def test_sums_are_resampled_as_scipy_does(rows: int) -> None:
    generator = np.random.default_rng(0)
    whole = generator.integers(1, 20, rows).astype(float)
    wrong = generator.binomial(whole.astype(int), 0.2).astype(float)
    found = bootstrap_sums(
        lambda summed: summed["wrong"] / summed["whole"], {"wrong": wrong, "whole": whole}, draws=4000
    )
    known = stats.bootstrap(
        (wrong, whole),
        lambda a, b, axis: a.sum(axis) / b.sum(axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=4000,
        confidence_level=expanded(0.95, rows),
        rng=np.random.default_rng(1),
    ).confidence_interval
    width = known.high - known.low
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=0.06 * width)
    assert found == bootstrap_sums(
        lambda summed: summed["wrong"] / summed["whole"], {"wrong": wrong, "whole": whole}, draws=4000
    )


def test_intervals_of_sums_over_few_rows_hold_a_mean_as_often_as_they_say() -> None:
    generator = np.random.default_rng(2)
    held = sum(
        bootstrap_sums(
            lambda summed: summed["value"] / 12, {"value": generator.normal(3.0, 1.0, 12)}, draws=400, seed=trial
        ).holds(3.0)
        for trial in range(300)
    )
    assert 0.92 < held / 300 < 0.98  # plain percentiles of twelve rows hold it in 91 %


@pytest.mark.parametrize("rows", [5, 12, 100])
def test_the_expanded_level_is_that_of_students_t(rows: int) -> None:
    known = 2 * stats.norm.cdf(math.sqrt(rows / (rows - 1)) * stats.t.ppf(0.975, rows - 1)) - 1
    assert expanded(0.95, rows) == pytest.approx(known, abs=2e-5)


def test_an_interval_at_another_level_is_wider_as_the_normal_is() -> None:
    found = at_level(Interval(0.7, 0.95), 0.9, 0.99)
    wider = stats.norm.ppf(0.995) / stats.norm.ppf(0.975)
    assert (found.low, found.high) == pytest.approx((0.9 - 0.2 * wider, 0.9 + 0.05 * wider))


def test_sums_of_which_hardly_any_resample_has_a_value_are_refused() -> None:
    with pytest.raises(ValueError, match="no finite value"):
        bootstrap_sums(lambda summed: summed["none"] / summed["none"], {"none": np.zeros(9)})
    with pytest.raises(ValueError, match="at least one row"):
        bootstrap_sums(lambda summed: summed["one"], {"one": np.ones(1)})
