"""Rows that should not be drawn at random, and the flags that warnings name."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sample_settings import data_config

from sonde.modalities.open import open_data


def visits(path: Path) -> Path:
    generator = np.random.default_rng(0)
    rows = 200
    frame = pd.DataFrame(
        {
            "patient": [f"P{n}" for n in generator.integers(0, 40, rows)],
            "seen": pd.Timestamp("2020-01-01") + pd.to_timedelta(generator.integers(0, 900, rows), "D"),
            "birth_date": pd.Timestamp("1950-01-01") + pd.to_timedelta(generator.integers(0, 9000, rows), "D"),
            "x": generator.normal(size=rows),
            "y": generator.integers(0, 2, rows),
        }
    )
    frame.to_csv(path / "visits.csv", index=False)
    return path / "visits.csv"


def test_groups_and_times_are_said_with_the_flags_that_work(tmp_path: Path) -> None:
    path = visits(tmp_path)
    groups, times = open_data(path, data_config(target=("y",))).warnings
    assert "rows of one 'patient' (39 in 200 rows) may be in train and in test" in groups
    assert "--group 'patient' keeps them together" in groups
    assert "rows were drawn at random, though 'seen' holds times: --time 'seen' holds back the latest" in times
    assert open_data(path, data_config(target=("y",), group="patient")).warnings == []
    assert open_data(path, data_config(target=("y",), time="seen")).warnings == []


@pytest.mark.parametrize("name", ["label", "blood group of the mother"])
def test_other_names_are_no_groups(tmp_path: Path, name: str) -> None:
    frame = pd.read_csv(visits(tmp_path)).drop(columns="seen").rename(columns={"patient": name})
    frame.to_csv(tmp_path / "t.csv", index=False)
    assert open_data(tmp_path / "t.csv", data_config(target=("y",))).warnings == []


def test_a_column_of_counts_names_no_group(tmp_path: Path) -> None:
    """California's housing has a column of how many households there are."""
    for column, said in (("households", False), ("household_id", True)):
        rows = [f"{n % 20},{n / 7:.3f},{n % 3 + n / 100}" for n in range(120)]
        table = tmp_path / f"{column}.csv"
        table.write_text("\n".join([f"{column},size,price", *rows]) + "\n")
        warnings = open_data(table, data_config(target=("price",))).warnings
        assert any("may be in train and in test" in each for each in warnings) is said
