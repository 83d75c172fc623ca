"""A column's way to write dates is found, and gives back what it was found by."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import sonde
from sonde.cli.main import main
from sonde.modalities.table.counted_times import counted
from sonde.modalities.table.date_patterns import pattern_of, pattern_of_numbers, written
from sonde.modalities.table.written_dates import dates

STAMPS = np.datetime64("2021-01-05T00:00:00", "s") + np.arange(300) * 86_400
TIMES = STAMPS + np.arange(300) * 3_600


@pytest.mark.parametrize(
    ("order", "cells"),
    [
        ("ymd", pd.Series(STAMPS).dt.strftime("%Y-%m-%d")),
        ("dmy", pd.Series(STAMPS).dt.strftime("%d.%m.%Y")),
        ("mdy", pd.Series(STAMPS).dt.strftime("%m/%d/%y")),
        ("dmy", pd.Series([f"{each.day}/{each.month}/{each.year}" for each in pd.to_datetime(STAMPS)])),
        ("ymd", pd.Series(STAMPS).dt.strftime("%b %d, %Y")),
        ("ymd", pd.Series(STAMPS).dt.strftime("%d %B %Y")),
        ("ymd", pd.Series(TIMES).dt.strftime("%Y-%m-%d %H:%M:%S")),
        ("ymd", pd.Series(TIMES).dt.strftime("%Y-%m-%dT%H:%M:%SZ")),
        ("dmy", pd.Series(TIMES).dt.strftime("%d.%m.%Y %H:%M")),
        ("mdy", pd.Series(TIMES).dt.strftime("%m/%d/%Y %I:%M %p")),
        ("ymd", pd.Series(STAMPS).dt.strftime("%Y-%m")),
        ("ymd", pd.Series(pd.PeriodIndex(STAMPS, freq="Q").strftime("%Y-Q%q"))),
    ],
)
def test_cells_come_back_as_they_were(order: str, cells: pd.Series) -> None:
    text = pa.array([*cells, None], pa.large_string())
    stamps = dates(text, order)
    assert not np.isnat(stamps[:-1]).any()
    assert written(stamps, pattern_of(text, stamps)).to_pylist() == text.to_pylist()


@pytest.mark.parametrize(
    ("order", "values"),
    [
        ("epoch", TIMES.astype(np.int64).astype(float)),
        ("epoch", TIMES.astype(np.int64) * 1_000.0),
        ("sheet", 44_000.0 + np.arange(300)),
        ("calendar", 20_210_100.0 + np.arange(1, 31)),
    ],
)
def test_numbers_that_count_time_come_back(order: str, values: np.ndarray) -> None:
    stamps = counted(values, order)
    found = written(stamps, pattern_of_numbers(values, stamps)).to_pylist()
    assert [float(each) for each in found if each] == values[~np.isnat(stamps)].tolist()


def test_what_no_pattern_gives_back_has_none() -> None:
    text = pa.array([f"2021-01-{day:02} 10:00:00+02:00" for day in range(1, 31)], pa.large_string())
    assert pattern_of(text, dates(text, "ymd")) == ""
    assert pattern_of(pa.array([None], pa.large_string()), np.array(["NaT"], "datetime64[s]")) == ""


def test_a_made_table_has_the_dates_of_the_source(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    days = pd.Series(rng.choice(STAMPS, 200))
    source = pd.DataFrame({"x": rng.standard_normal(200).round(2), "when": days.dt.strftime("%d.%m.%Y")})
    source.loc[::9, "when"] = ""
    source.to_csv(tmp_path / "visits.csv", index=False)
    settings: dict[str, Any] = {"task": "normalizing-flow", "target": (), "steps": 3, "quiet": True}
    run = sonde.train(tmp_path / "visits.csv", out=tmp_path / "run", **settings)
    assert main(["sample", str(run.folder), "--number", "40", "--out", str(tmp_path / "made.csv")]) == 0
    made = pd.read_csv(tmp_path / "made.csv")["when"].dropna()
    assert len(made) > 5
    assert made.str.fullmatch(r"\d\d\.\d\d\.2021").all()
