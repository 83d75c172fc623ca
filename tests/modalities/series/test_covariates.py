"""Columns that are known in advance: how they are read, which rows they come from, and where they are missing."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sample_settings import data_config

from sonde.core.data_warning import DataWarning
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import ConfigError, DataError, RunFolderError
from sonde.modalities.open import open_data, open_like
from sonde.modalities.series.inputs import rows_to_predict
from sonde.modalities.series.windows import SeriesWindows

ROWS, AHEAD, HORIZON, LOOK_BACK = 120, 7, 5, 14
DAYS = pd.date_range("2021-01-01", periods=ROWS + AHEAD)


def shop(**more: Any) -> pd.DataFrame:
    generator = np.random.default_rng(0)
    count = ROWS + AHEAD
    table = pd.DataFrame(
        {
            "day": DAYS,
            "sold": 10 + np.sin(2 * np.pi * np.arange(count) / 7) + 0.1 * generator.standard_normal(count),
            "price": np.where(np.arange(count) % 3 == 0, 8.0, 10.0),
            "holiday": np.where(np.arange(count) % 10 == 0, "Easter", np.where(np.arange(count) % 10 == 5, "Fair", "")),
            "temp": generator.standard_normal(count),
            **more,
        }
    )
    table.loc[ROWS:, "sold"] = np.nan
    return table


def written(folder: Path, table: pd.DataFrame, name: str = "shop.csv") -> Path:
    table.to_csv(folder / name, index=False)
    return folder / name


def opened(path: Path, *known: str, task: str | None = None, **settings: Any) -> Dataset:
    more = {"target": ("sold",), "horizon": HORIZON, "look_back": LOOK_BACK, **settings}
    return open_data(path, data_config(known=known, **more), task=task)


def windows(dataset: Dataset, split: str) -> SeriesWindows:
    found = dataset.splits[split]
    assert isinstance(found, SeriesWindows)
    return found


def test_numbers_are_scaled_and_names_taken_apart_by_the_training_part_alone(tmp_path: Path) -> None:
    table = shop()
    dataset = opened(written(tmp_path, table), "price", "holiday")
    assert dataset.schema.input.covariates == 3
    assert [column.name for column in dataset.schema.input.columns] == ["sold", "temp"]
    assert Schema.from_dict(dataset.schema.as_dict()) == dataset.schema
    train = table[: round(ROWS * 0.7)]
    scaled = (table.price - train.price.mean()) / train.price.std(ddof=0)
    expected = np.stack([scaled, table.holiday == "Easter", table.holiday == "Fair"], 1).astype(np.float32)
    test = windows(dataset, "test")
    for place in (0, len(test) - 1):
        moment = int(test.moments[place])
        found = test.read(np.array([place]))["covariates"][0]
        np.testing.assert_allclose(found, expected[moment - LOOK_BACK : moment + HORIZON], atol=1e-6)
    assert any("2 columns are known in advance: 'price', 'holiday'" in fact.what for fact in dataset.facts)
    assert (
        "their 'temp' are not used: of what is known in advance, name the columns: --known temp" in dataset.warnings[-1]
    )


def test_what_is_known_of_the_rows_to_forecast_goes_with_them(tmp_path: Path) -> None:
    table = shop()
    schema = opened(written(tmp_path, table), "price", "holiday").schema
    shuffled = table.sample(frac=1, random_state=0)
    with pytest.warns(DataWarning, match="values of 'temp' in the rows to forecast are not used"):
        rows, _ = rows_to_predict(written(tmp_path, shuffled), schema)
    found = rows.read(np.array([0]))["covariates"][0]
    assert found.shape == (LOOK_BACK + HORIZON, 3)
    part = table[ROWS - LOOK_BACK : ROWS + HORIZON]
    np.testing.assert_array_equal(found[:, 1:], np.stack([part.holiday == "Easter", part.holiday == "Fair"], 1))
    np.testing.assert_array_equal(found[:, 0] < 0, part.price == 8)


def test_values_that_are_not_known_do_not_reach_the_forecast(tmp_path: Path) -> None:
    schema = opened(written(tmp_path, shop()), "price").schema
    read = []
    for temp, price in ((0.0, 10.0), (99.0, 10.0), (0.0, 8.0)):
        table = shop()
        table.loc[ROWS:, ["temp", "price"]] = temp, price
        with pytest.warns(DataWarning):
            read.append(rows_to_predict(written(tmp_path, table), schema)[0].read(np.array([0])))
    for name in ("input", "covariates"):
        np.testing.assert_array_equal(read[0][name], read[1][name])
    np.testing.assert_array_equal(read[0]["input"], read[2]["input"])
    assert (read[0]["covariates"] != read[2]["covariates"]).any()


def _without_rows(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[: ROWS + 2]


def _without_a_price(table: pd.DataFrame) -> pd.DataFrame:
    table.loc[ROWS + 3, "price"] = np.nan
    return table


@pytest.mark.filterwarnings("ignore::sonde.core.data_warning.DataWarning")
@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_without_rows, "'price' has no value for 3 of the 5 steps to forecast, from 2021-05-03; append rows"),
        (_without_a_price, "'price' has no value for 1 of the 5 steps to forecast, from 2021-05-04; append rows"),
    ],
)
def test_a_horizon_of_which_something_is_missing_is_refused(tmp_path: Path, spoil: Any, said: str) -> None:
    schema = opened(written(tmp_path, shop()), "price", "holiday").schema
    path = written(tmp_path, spoil(shop()), "new.csv")
    with pytest.raises(DataError, match=re.escape(said)):
        rows_to_predict(path, schema)
    rows_to_predict(written(tmp_path, shop(), "whole.csv"), schema)  # the remedy


def test_several_series_have_each_their_own(tmp_path: Path) -> None:
    parts = []
    for number, shift in enumerate((0, 1)):
        table = shop().drop(columns="temp")
        table["price"] = np.roll(np.asarray(table["price"]), shift)
        parts.append(table.assign(store=f"s{number}")[number * 20 :])
    path = written(tmp_path, pd.concat(parts))
    dataset = opened(path, "price")
    test = windows(dataset, "test")
    for place in (0, len(test) - 1):
        label, moment = test.label_of(place), int(test.moments[place])
        table = parts[int(label[1])].reset_index()
        local = moment - int(test.bases[int(label[1])])
        cheap = np.asarray(table["price"])[local - LOOK_BACK : local + HORIZON] == 8
        np.testing.assert_array_equal(test.read(np.array([place]))["covariates"][0, :, 0] < 0, cheap)
    with pytest.warns(DataWarning, match="values of 'holiday' in the rows"):
        rows, names = rows_to_predict(path, dataset.schema)
    found = rows.read(np.arange(2))["covariates"][:, LOOK_BACK:, 0] < 0
    for number, part in enumerate(parts):
        np.testing.assert_array_equal(found[number], np.asarray(part["price"])[-AHEAD:][:HORIZON] == 8)
    assert names[0] == f"s0 {DAYS[ROWS]:%Y-%m-%d}"
    again = open_like(path, dataset.schema, data_config())
    assert windows(again, "test").covariates is not None


def test_a_step_without_a_row_has_what_stood_before_as_its_value_has(tmp_path: Path) -> None:
    table = shop()
    path = written(tmp_path, table.drop(index=30))
    found = windows(opened(path, "price", "holiday"), "train")
    assert found.covariates is not None
    np.testing.assert_array_equal(found.covariates[30], found.covariates[29])
    np.testing.assert_array_equal(found.covariates[31:, 1], table.holiday[31:ROWS] == "Easter")


def test_names_and_gaps_that_training_rows_have_none_like_are_said(tmp_path: Path) -> None:
    table = shop()
    table.loc[ROWS - 3 : ROWS - 1, "holiday"] = "Carnival"
    table.loc[ROWS - 2, "price"] = np.nan
    said = "\n".join(opened(written(tmp_path, table), "price", "holiday").warnings)
    assert (
        "known column 'holiday': 'Carnival' is in no training row, or too rare there, and read as no category" in said
    )
    assert "known column 'price' is empty in 1 rows and in no training row" in said


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (("prise",), "has no column 'prise' for --known; did you mean 'price'?"),
        (("sold",), "column 'sold' is what is forecast; leave it out of --known"),
        (("day",), "column 'day' is the time; leave it out of --known"),
        (("one",), "column 'one' is the same in every training row, so nothing can be learned from it"),
    ],
)
def test_columns_that_cannot_be_known_are_refused(tmp_path: Path, known: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError, match=re.escape(said)):
        opened(written(tmp_path, shop(one=1)), *known, task="forecasting")


def test_the_column_that_tells_series_apart_is_not_known(tmp_path: Path) -> None:
    path = written(tmp_path, pd.concat([shop(store="a"), shop(store="b")]))
    with pytest.raises(DataError, match="column 'store' is what identifies the series; leave it out of --known"):
        opened(path, "store", task="forecasting")


def test_a_column_named_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="--known names 'price' twice; name it once"):
        data_config(known=("price", "price"))


def test_dates_and_texts_that_are_known_do_not_hide_a_series(tmp_path: Path) -> None:
    table = shop(words=[f"word {n % 40}" for n in range(ROWS + AHEAD)])
    assert opened(written(tmp_path, table), "words").schema.input.kind == "series"


@pytest.mark.parametrize("extra", ["{", "[]", '{"known": [{"name": 3}], "gaps": []}', '{"known": []}', "{}"])
def test_a_damaged_schema_is_one_line(tmp_path: Path, extra: str) -> None:
    path = written(tmp_path, shop())
    schema = opened(path, "price").schema
    damaged = replace(schema, input=replace(schema.input, extra=extra))
    with pytest.raises(RunFolderError, match=r"schema.json is damaged \(input.extra: .*\); restore it"):
        rows_to_predict(path, damaged)
