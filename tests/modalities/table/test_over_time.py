"""A series in a table is said to be scored row by row, and only a series."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from sonde.modalities.table.features import read_features
from sonde.modalities.table.over_time import scored_one_by_one
from sonde.modalities.table.read import frame_table

ROWS = 400
RNG = np.random.default_rng(0)
WAVE = np.sin(np.arange(ROWS) / 12) + 0.1 * RNG.standard_normal(ROWS)
NOISE = RNG.standard_normal((ROWS, 2))
GROUPS = np.repeat([0.0, 5.0, 10.0, 20.0], ROWS // 4)


def said(frame: dict[str, Any], task: str | None = "anomaly") -> list[str]:
    table = frame_table(pd.DataFrame(frame), "sensors.csv")
    kinds, values, _ = read_features(table, list(table.columns))
    return scored_one_by_one(kinds, values, "sensors.csv", task)


def test_a_smooth_series_is_named_with_what_has_windows() -> None:
    (told,) = said({"temp": WAVE, "load": np.roll(WAVE, 30)})
    assert told.startswith(
        "sensors.csv: each row is scored by itself, though 2 of 2 columns of numbers change little from"
    )
    assert "(n, steps, columns), as x in an .npz, and train on that with --stretch STEPS" in told
    times = pd.date_range("2024-01-01", periods=ROWS, freq="h")
    shuffled = RNG.permutation(ROWS)  # rows are put in their order by their times
    (told,) = said({"time": times[shuffled], "temp": WAVE[shuffled]})
    assert "though 'time' holds times and 1 of 1 column of numbers change little" in told


@pytest.mark.parametrize(
    "frame",
    [
        {"a": NOISE[:, 0], "b": NOISE[:, 1]},
        {"a": NOISE[:, 0] + GROUPS, "b": NOISE[:, 1] - GROUPS},  # groups that stand together, as in iris
        {"a": np.sort(NOISE[:, 0]), "b": NOISE[:, 1]},  # sorted by one column
        {"a": WAVE[:40]},
        {"name": ["x", "y"] * 200},
    ],
)
def test_rows_that_only_stand_in_some_order_are_no_series(frame: dict[str, Any]) -> None:
    assert said(frame) == []


def test_tasks_that_learn_what_columns_say_of_each_other_are_left_alone() -> None:
    assert said({"temp": WAVE}, task="diffusion") == []
    assert said({"temp": WAVE}, task=None) == []
