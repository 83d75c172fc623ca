from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sample_settings import data_config

from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.modalities.open import open_data
from sonde.modalities.table.held_back import in_time

ROWS = 120


def table() -> pd.DataFrame:
    generator = np.random.default_rng(1)
    days = pd.Timestamp("2021-01-01") + pd.to_timedelta(generator.permutation(ROWS) ** 1.3, "D").round("s")
    return pd.DataFrame(
        {
            "seen": days,
            "patient": [f"p{number}" for number in generator.integers(0, 15, ROWS)],
            "kind": generator.choice(["a", "b"], ROWS),
            "size": generator.standard_normal(ROWS),
            "weight": generator.standard_normal(ROWS),
        }
    )


def opened(frame: pd.DataFrame, folder: Path, **settings: Any) -> Dataset:
    frame.to_csv(folder / "t.csv", index=False)
    return open_data(folder / "t.csv", data_config(target=("weight",), **settings))


def rows_of(dataset: Dataset, split: str) -> list[int]:
    return [int(dataset.splits[split].describe(row).split()[-1]) - 2 for row in range(len(dataset.splits[split]))]


def test_the_latest_rows_judge(tmp_path: Path) -> None:
    frame = table()
    dataset = opened(frame, tmp_path, time="seen")
    train, validation, test = (frame["seen"].iloc[rows_of(dataset, s)] for s in ("train", "validation", "test"))
    assert train.max() < validation.min()
    assert validation.max() < test.min()
    assert (len(train), len(validation), len(test)) == (86, 10, 24)
    assert any("the latest by 'seen'" in fact.why for fact in dataset.facts)


def test_no_group_is_on_both_sides_nor_an_input(tmp_path: Path) -> None:
    frame = table()
    dataset = opened(frame, tmp_path, group="patient")
    groups = [set(frame["patient"].iloc[rows_of(dataset, split)]) for split in ("train", "validation", "test")]
    assert sum(map(len, groups)) == len(set.union(*groups)) == frame["patient"].nunique()
    assert "patient" not in {column.source for column in dataset.schema.input.columns}
    assert any("whole groups of 'patient'" in fact.why for fact in dataset.facts)


def test_rows_of_one_moment_stay_together() -> None:
    times = np.repeat(np.arange(10), 10)
    parts = in_time(times, test=0.25, validation=0.1)
    moments = {name: set(times[rows]) for name, rows in parts.items()}
    assert moments["test"] == {7, 8, 9}
    assert moments["validation"] == {6}
    assert moments["train"] == set(range(6))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"time": "sen"}, "t.csv has no column 'sen' for --time; did you mean 'seen'?"),
        ({"time": "kind"}, "t.csv: column 'kind' has no timestamps; choose another with --time"),
        ({"group": "kind"}, "t.csv: column 'kind' holds 2 groups, too few to split"),
        ({"group": "patint"}, "t.csv has no column 'patint' for --group; did you mean 'patient'?"),
        ({"group": "patient", "time": "seen"}, "--time splits t.csv at one point in time; leave it or --group out"),
        ({"time": "seen", "folds": 3}, "--time splits t.csv at one point in time; leave it or --folds out"),
    ],
)
def test_columns_that_say_nothing_are_refused(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said.replace("?", r"\?")):
        opened(table(), tmp_path, **settings)


def test_empty_cells_are_refused_with_their_row(tmp_path: Path) -> None:
    frame = table()
    frame.loc[4, "patient"] = None
    with pytest.raises(DataError, match=r"t.csv row 6: column 'patient' is empty; fill in the cell, or remove the row"):
        opened(frame, tmp_path, group="patient")
    frame.loc[7, "seen"] = pd.NaT
    with pytest.raises(DataError, match=r"t.csv row 9: column 'seen' is empty"):
        opened(frame, tmp_path, time="seen")


def test_one_moment_for_all_leaves_nothing_to_train_on() -> None:
    with pytest.raises(DataError, match="too many rows have the same timestamp to split by time; leave --time out"):
        in_time(np.zeros(20), test=0.2, validation=0.1)
