"""Verdicts on functions whose slopes are known."""

import math

import pytest

from sonde.diagnose.finite_differences import compare

NOISE = 1e-16


@pytest.mark.parametrize(
    ("value", "slope"),
    [(math.sin, 1.0), (lambda t: math.exp(3 * t), 3.0), (lambda t: 7 * t, 7.0), (lambda t: (t + 2) ** 4, 32.0)],
)
def test_a_right_slope_agrees_to_many_digits(value, slope):
    found = compare(value, slope, step=1e-5, noise=NOISE)
    assert (found.verdict, found.calls) == ("agrees", 2)
    assert found.error < 1e-8


@pytest.mark.parametrize("wrong", [0.0, -1.0, 1.001, 2.0])
def test_a_wrong_slope_of_a_smooth_function_is_found(wrong):
    found = compare(math.sin, wrong, step=1e-5, noise=NOISE)
    assert found.verdict == "wrong"
    assert found.numeric == pytest.approx(1.0)


@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0])
def test_any_slope_between_its_sides_is_right_at_a_kink(slope):
    assert compare(lambda t: max(t, 0.0), slope, step=1e-5, noise=NOISE).verdict in ("kink", "agrees")


def test_a_slope_outside_of_both_sides_is_wrong_at_a_kink_too():
    assert compare(lambda t: max(t, 0.0), -3.0, step=1e-5, noise=NOISE).verdict == "wrong"


def test_a_kink_beside_the_point_is_told_by_the_smaller_step():
    right = compare(lambda t: max(t - 0.5e-5, 0.0) + t, 1.0, step=1e-5, noise=NOISE)
    assert (right.verdict, right.calls) == ("kink", 5)
    assert right.error < 1e-9
    assert compare(lambda t: max(t - 0.5e-5, 0.0) + t, 4.0, step=1e-5, noise=NOISE).verdict == "wrong"


def test_what_rounding_hides_is_too_small():
    assert compare(lambda t: 1 + 1e-13 * t, 1e-13, step=1e-5, noise=NOISE).verdict == "too small"
    assert compare(lambda t: 1 + 1e-13 * t, 1e-3, step=1e-5, noise=NOISE).verdict == "wrong"


def test_a_rough_function_is_not_called_wrong():
    rough = compare(lambda t: round(math.sin(1 + t), 8), math.cos(1), step=1e-3, noise=1e-8)
    assert rough.verdict == "agrees"
