import math

import numpy as np
import pytest

from sonde.report.scale import Scale, fit, linear_ticks, log_ticks, smoothed, thinned


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3, 17), (0.021, 0.034), (1e-9, 3e-9), (0, 54321), (1e6, 9e7), (99.1, 99.9)]
)
def test_linear_ticks_are_round_inside_and_neither_few_nor_many(low, high):
    ticks = linear_ticks(low, high)
    values = [value for value, _ in ticks]
    steps = np.diff(values)
    assert 3 <= len(ticks) <= 9
    assert low - 1e-9 * abs(high) <= values[0] <= values[-1] <= high + 1e-9 * abs(high)
    assert np.allclose(steps, steps[0], rtol=1e-3)
    assert f"{steps[0]:.0e}"[0] in "125"
    assert len({text for _, text in ticks}) == len(ticks)


@pytest.mark.parametrize(("low", "high"), [(1e-5, 1), (0.3, 4), (1e-12, 1e12), (2, 3000)])
def test_log_ticks_are_inside(low, high):
    values = [value for value, _ in log_ticks(low, high)]
    assert 2 <= len(values) <= 9
    assert all(low <= value <= high for value in values)


def test_scales_map_ends_to_ends_and_logs_by_ratio():
    scale = Scale(low=0, high=10, start=100, end=0)
    assert [scale(v) for v in (0, 5, 10)] == [100, 50, 0]
    log = Scale(low=0.01, high=100, start=0, end=4, log=True)
    assert [log(10.0**p) for p in range(-2, 3)] == pytest.approx([0, 1, 2, 3, 4])


@pytest.mark.parametrize("values", [[], [5.0], [0.0, 0.0], [math.nan, 2.0], [-1e9, 1e9]])
def test_a_fitted_scale_is_never_empty(values):
    scale = fit(values, start=0, end=1)
    assert scale.low < scale.high
    assert all(0 <= scale(v) <= 1 for v in values if math.isfinite(v))


def test_thinning_keeps_spikes_order_and_gaps():
    rng = np.random.default_rng(0)
    ys: list[float | None] = rng.random(50_000).tolist()
    ys[31_007], ys[12_345] = 99.0, None
    thin = thinned(list(zip(map(float, range(50_000)), ys, strict=True)))
    assert len(thin) <= 600
    assert (31_007.0, 99.0) in thin
    assert [x for x, _ in thin] == sorted(x for x, _ in thin)
    assert sum(y is None for _, y in thin) == 1
    assert min(y for _, y in thin if y is not None) == min(y for y in ys if y is not None)


def test_short_curves_stay_as_they_are():
    points = [(float(i), float(i)) for i in range(600)]
    assert thinned(points) == points


def test_smoothing_is_a_trailing_mean_that_does_not_cross_gaps():
    ys = [1.0, 3.0, 5.0, None, 7.0, 9.0]
    found = [y for _, y in smoothed([(float(i), y) for i, y in enumerate(ys)], 2)]
    assert found == [1.0, 2.0, 4.0, None, 7.0, 8.0]


def test_means_of_very_many_points_stand_at_some_of_them() -> None:
    """As many as are drawn, to the last; the work grows with the points alone."""
    found = smoothed([(float(x), float(x)) for x in range(6_050)], window=101)
    assert 600 <= len(found) <= 610
    assert found[-1] == (6049.0, 5999.0)
    assert found[100][1] == found[100][0] - 50
