"""Numbers that count time, told by their column's name and their range."""

import numpy as np
import pandas as pd
import pytest

from sonde.modalities.table.counted_times import counted, order_of

DAYS = pd.date_range("2020-01-30", periods=50, freq="3D")
SECONDS = DAYS.to_numpy().astype("datetime64[s]")


@pytest.mark.parametrize(
    ("name", "values", "order"),
    [
        ("timestamp", SECONDS.astype(np.int64), "epoch"),
        ("created_at", SECONDS.astype(np.int64) * 1000, "epoch"),
        ("ts_ns", SECONDS.astype(np.int64) * 1_000_000_000, "epoch"),
        ("Date", (SECONDS - np.datetime64("1899-12-30")).astype(np.int64) / 86400, "sheet"),
        ("orderDate", DAYS.strftime("%Y%m%d").astype(int), "calendar"),
    ],
)
def test_times_are_those_that_pandas_reads(name: str, values: np.ndarray, order: str):
    numbers = np.asarray(values, np.float64)
    assert order_of(name, numbers)[0] == order
    np.testing.assert_array_equal(counted(numbers, order), SECONDS)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("price", [43831, 43832]),
        ("time", [43831, 43832]),
        ("date", [1, 2, 3]),
        ("date", [20201301.0]),
        ("candidate", [43831]),
    ],
)
def test_other_numbers_are_no_times(name: str, values: list[float]):
    assert order_of(name, np.array(values, np.float64)) == ("", "")


def test_what_is_assumed_is_said():
    assert order_of("date", np.array([43831.5]))[1] == (
        "numbers such as 43831.5 are read as days of a spreadsheet: 2020-01-01 12:00:00"
    )
