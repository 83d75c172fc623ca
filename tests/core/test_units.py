"""Numbers as a person reads them, against Python's own datetime where it applies."""

import datetime

import pytest

from sonde.core.units import count, duration, is_share, metric, metric_name, number, rate, share, size


@pytest.mark.parametrize("seconds", [60, 61.4, 119, 3599, 3600, 7261, 86399, 172799, 172801, 1e6])
def test_durations_agree_with_timedelta_within_their_smaller_unit(seconds):
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    words = duration(seconds).split()
    told = sum(int(value) * units[unit] for value, unit in zip(words[::2], words[1::2], strict=True))
    assert 0 <= datetime.timedelta(seconds=round(seconds)).total_seconds() - told < units[words[-1]]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0.00 s"), (0.3, "0.3 s"), (9.96, "10 s"), (59.4, "59 s"), (59.6, "1 m 0 s"), (None, "–")]
)
def test_short_durations(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize("value", [1e-12, 3.3e-5, 0.00123, 0.5, 1.0, 99.95, 123.4, 9999.0, 123456.0, 1e12, -0.02])
def test_three_significant_digits_lose_less_than_a_half_percent(value):
    assert float(number(value).replace(",", "")) == pytest.approx(value, rel=5e-3)


def test_values_that_are_no_numbers():
    assert [number(v) for v in (None, float("nan"), float("inf"), 0.0)] == ["–", "nan", "inf", "0"]
    assert (share(None), rate(None), metric("rmse", None)) == ("–", "–", "–")


def test_sizes_and_counts():
    assert [size(v) for v in (0, 999, 1000, 9_949_000, 9_951_000, 3.2e12)] == [
        "0 B", "999 B", "1.0 kB", "9.9 MB", "10 MB", "3.2 TB",
    ]  # fmt: skip
    assert count(1234567) == "1,234,567"


@pytest.mark.parametrize(
    ("name", "words", "percent"),
    [
        ("accuracy", "accuracy", True),
        ("top5", "top-5", True),
        ("macro_f1", "macro F1", False),
        ("rmse/price", "RMSE/price", False),
        ("r2", "R²", False),
        ("accuracy/cat", "accuracy/cat", False),
    ],
)
def test_metric_names(name, words, percent):
    assert metric_name(name) == words
    assert is_share(name) is percent
