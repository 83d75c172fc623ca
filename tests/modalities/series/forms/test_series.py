import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sample_places import at
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Schema
from sonde.core.errors import ConfigError, DataError
from sonde.modalities.open import open_data, open_like
from sonde.modalities.series.forms import series
from sonde.modalities.series.inputs import rows_to_predict
from sonde.modalities.series.windows import SeriesWindows

ROWS = 500

recognise = at(series.recognise)


def frame(rows: int = ROWS, freq: str = "h") -> pd.DataFrame:
    generator = np.random.default_rng(0)
    time = np.arange(rows)
    load = 10 + 3 * np.sin(2 * np.pi * time / 24) + 0.2 * generator.standard_normal(rows)
    return pd.DataFrame(
        {
            "when": pd.date_range("2020-01-01", periods=rows, freq=freq),
            "load": load,
            "heat": 100 + time / 10 + generator.standard_normal(rows),
        }
    )


def written(path: Path, table: pd.DataFrame, name: str = "plant.csv") -> Path:
    table.to_csv(path / name, index=False)
    return path / name


def opened(path: Path, task: str | None = None, **settings: Any) -> Dataset:
    return open_data(path, data_config(**settings), task=task)


def windows(dataset: Dataset, split: str) -> SeriesWindows:
    found = dataset.splits[split]
    assert isinstance(found, SeriesWindows)
    return found


def facts(dataset: Dataset) -> str:
    return "\n".join(f"{fact.what} ({fact.why})" for fact in dataset.facts)


def test_a_table_of_even_times_and_numbers_is_a_series_cut_by_time(tmp_path: Path) -> None:
    dataset = opened(written(tmp_path, frame()))
    assert dataset.form == "CSV table of a time series"
    assert dataset.schema.input.kind == dataset.schema.target.kind == "series"
    assert dataset.schema.target.names == ("load", "heat")
    assert dataset.schema.target.shape == (24, 2)
    assert dataset.schema.target.out_dim == 24
    assert (dataset.schema.input.step, dataset.schema.input.column) == ("3600 seconds", "when")
    told = facts(dataset)
    assert "500 steps, hourly, from 2020-01-01 00:00:00 to 2020-01-21 19:00:00 (column 'when')" in told
    assert "350 train steps" in told
    assert "50 validation steps" in told
    assert "100 test steps" in told
    assert "season of 24 steps (hourly: error of the seasonal naive forecast" in told
    assert Schema.from_dict(dataset.schema.as_dict()) == dataset.schema


def test_no_training_window_reaches_into_what_is_judged_and_judged_windows_look_back_into_it(tmp_path: Path) -> None:
    dataset = opened(written(tmp_path, frame()), horizon=20, look_back=60)
    train, validation, test = (windows(dataset, split) for split in ("train", "validation", "test"))
    assert train.moments[0] == 60
    assert train.moments[-1] + 20 == 350, "the last target step of training is the last before validation"
    assert (validation.moments[0], validation.moments[-1] + 20) == (350, 400)
    assert (test.moments[0], test.moments[-1] + 20) == (400, 500)
    assert [len(part) for part in (train, validation, test)] == [350 - 60 - 20 + 1, 50 - 20 + 1, 100 - 20 + 1]
    before = validation.read(np.array([0]))["input"][0]
    assert (before == train.values[290:350]).all()


def test_scales_are_of_the_training_part_alone(tmp_path: Path) -> None:
    table = frame()
    dataset = opened(written(tmp_path, table), horizon=24, look_back=24)
    known = table[["load", "heat"]].to_numpy()[:350]
    spec = dataset.schema.target
    np.testing.assert_allclose(spec.mean, known.mean(0))
    np.testing.assert_allclose(spec.std, known.std(0))
    np.testing.assert_allclose(spec.scales, np.abs(known[24:] - known[:-24]).mean(0))
    scaled = windows(dataset, "train").values[:350]
    np.testing.assert_allclose(scaled.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(scaled.std(0), 1, atol=1e-5)


@pytest.mark.parametrize("places", [("300", "400", "480"), ("2020-01-13 12:00", "2020-01-17 16:00:00", "2020-01-21")])
def test_the_cuts_can_be_typed_as_steps_or_dates(tmp_path: Path, places: tuple[str, ...]) -> None:
    dataset = opened(written(tmp_path, frame()), split_at=places, horizon=10, look_back=10)
    ends = [int(windows(dataset, split).moments[-1]) + 10 for split in ("train", "validation", "test")]
    assert ends == [300, 400, 480]
    assert "20 steps at the end are not used (--split-at)" in facts(dataset)


def test_target_says_what_is_forecast_and_the_rest_is_looked_at(tmp_path: Path) -> None:
    dataset = opened(written(tmp_path, frame()), target=("heat",))
    assert dataset.schema.target.names == ("heat",)
    assert [column.name for column in dataset.schema.input.columns] == ["heat", "load"]
    assert dataset.schema.input.forecast == 1
    read = dataset.splits["test"].read(np.arange(2))
    assert (read["input"].shape[2], read["target"].shape[2], read["seasonal"].shape[2]) == (2, 1, 1)
    assert "--target; 1 more are inputs" in facts(dataset)


def test_rows_out_of_order_are_sorted_and_said(tmp_path: Path) -> None:
    table = frame()
    straight = opened(written(tmp_path, table))
    mixed = opened(written(tmp_path, table.iloc[::-1], "back.csv"))
    swapped = table.iloc[[1, 0, *range(2, ROWS)]]
    other = opened(written(tmp_path, swapped, "swapped.csv"))
    for found in (mixed, other):
        assert (windows(found, "test").values == windows(straight, "test").values).all()
    assert list(mixed.warnings) == ["back.csv begins with the newest row; rows were sorted by 'when'"]
    assert list(other.warnings) == ["swapped.csv: 1 rows are older than the row before; all were sorted by 'when'"]


def test_gaps_are_counted_filled_with_the_value_before_and_masked(tmp_path: Path) -> None:
    table = frame()
    table.loc[5, "load"] = np.nan
    dataset = opened(written(tmp_path, table.drop(index=[320, 321])), horizon=10, look_back=30)
    assert list(dataset.warnings) == [
        "2 of 500 steps have no row, the first after 2020-01-14 07:00:00",
        "1 of 1,000 values are missing",
        "missing values were forward-filled and are ignored as targets in training and evaluation",
    ]
    train = windows(dataset, "train")
    assert dataset.schema.target.masked
    assert (train.values[320] == train.values[319]).all()
    assert train.values[5, 0] == train.values[4, 0]
    row = int(np.flatnonzero(train.moments == 315)[0])
    assert train.read(np.array([row]))["mask"][0, :, 0].tolist() == [1, 1, 1, 1, 1, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda t: t.drop(index=range(100, 200)), "100 of 500 steps have no row, the first after 2020-01-05 03:00:00"),
        (
            lambda t: pd.concat([t, t.iloc[[7]]]),
            "bad.csv row 502: 'when' is 2020-01-01 07:00:00, as in row 9 already; keep one row per time",
        ),
        (
            lambda t: t.assign(when=[*t["when"][:9], pd.Timestamp("2020-01-01 08:30"), *t["when"][10:]]),
            "bad.csv row 11: 2020-01-01 08:30:00 is not on a time step, and most rows are hourly",
        ),
        (
            lambda t: t.assign(when=[None, *t["when"][1:]]),
            "bad.csv row 2: no time in column 'when'; fill in the cell, or remove the row",
        ),
        (lambda t: t.assign(heat=np.nan, load=np.nan), "has no column of numbers to forecast"),
        (
            lambda t: t.drop(columns="when"),
            "bad.csv has no column of times, which a series needs; name it with --time, or leave --task out",
        ),
    ],
)
def test_what_is_no_even_series_is_refused_with_its_row(tmp_path: Path, spoil: Any, said: str) -> None:
    file = written(tmp_path, spoil(frame()), "bad.csv")
    with pytest.raises(DataError, match=re.escape(said)):
        opened(file, task="forecasting")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"horizon": 60}, "--horizon 60 is longer than the 50 validation steps; give at most 50"),
        (
            {"horizon": 24, "look_back": 400},
            "--look-back 400 and a horizon of 24 steps need 424 training steps, and there are 350; --look-back 326 is the l",
        ),
        (
            {"split_at": ("400", "300")},
            "--split-at 400 300 are the steps 400, 300 of 500 in plant.csv; they must increase",
        ),
        ({"split_at": ("noon", "300")}, "--split-at noon is neither a number of steps nor a date such as 2020-01-11"),
        (
            {"split_at": ("2020-01-03", "2021-01-01")},
            "--split-at 2021-01-01 lies outside of plant.csv, which goes from",
        ),
        ({"time": "wen"}, "plant.csv has no column 'wen'; did you mean 'when'?"),
        ({"target": ("laod",)}, "plant.csv has no column 'laod' to predict; did you mean 'load'?"),
        ({"group": "load"}, "holds one series, since every time occurs once in it; leave --group out"),
        ({"folds": 3}, "--folds"),
    ],
)
def test_settings_that_do_not_fit_are_refused(tmp_path: Path, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=re.escape(said)):
        opened(written(tmp_path, frame()), **settings)


def test_one_place_to_split_at_is_refused() -> None:
    with pytest.raises(ConfigError, match="--split-at takes two places or three, got 1"):
        data_config(split_at=("100",))


def test_other_tables_are_no_series(tmp_path: Path) -> None:
    table = frame()
    assert recognise(written(tmp_path, table)) == "'when' is hourly, and all other columns are numbers"
    texts = table.assign(note=[f"note {i}" for i in range(ROWS)])
    assert recognise(written(tmp_path, texts, "texts.csv")) is None
    assert recognise(written(tmp_path, table.drop(columns="when"), "numbers.csv")) is None
    assert recognise(written(tmp_path, table.head(10), "short.csv")) is None
    uneven = table.assign(
        when=table["when"].sample(frac=1, random_state=0).to_numpy() + pd.to_timedelta(table.index % 7, "min")
    )
    assert recognise(written(tmp_path, uneven, "uneven.csv")) is None
    assert recognise(tmp_path) is None
    dataset = opened(tmp_path / "plant.csv", task="regression", target=("load",))
    assert dataset.schema.input.kind == "table"
    with pytest.raises(
        DataError, match="was not read as a time series; use --task forecasting, or leave --horizon out"
    ):
        opened(tmp_path / "texts.csv", target=("load",), horizon=3)


def test_columns_that_are_no_numbers_are_left_out_when_a_forecast_is_asked_for(tmp_path: Path) -> None:
    dataset = opened(written(tmp_path, frame().assign(kind="a")), task="forecasting")
    assert dataset.schema.target.names == ("load", "heat")
    assert list(dataset.warnings) == ["1 non-numeric columns were dropped: 'kind'"]


def test_parquet_and_frames_in_memory_are_read_alike(tmp_path: Path) -> None:
    table = frame()
    pq.write_table(pa.Table.from_pandas(table, preserve_index=False), tmp_path / "plant.parquet")
    file = opened(tmp_path / "plant.parquet")
    assert file.form == "Parquet table of a time series"
    held = open_data(table, DataConfig(), task="forecasting")
    assert (windows(held, "test").values == windows(file, "test").values).all()
    assert held.source == "table (500 rows in memory)"


def test_fractions_of_the_training_windows(tmp_path: Path) -> None:
    file = written(tmp_path, frame())
    whole, some = opened(file), opened(file, label_fraction=0.4)
    assert len(some.splits["train"]) == round(0.4 * len(whole.splits["train"]))
    assert len(some.splits["test"]) == len(whole.splits["test"])


def test_a_trained_model_judges_every_window_of_another_table(tmp_path: Path) -> None:
    schema = opened(written(tmp_path, frame()), horizon=10, look_back=12).schema
    other = frame().iloc[100:200]
    dataset = open_like(written(tmp_path, other, "other.csv"), schema, DataConfig(validation=0.0, test=0.0))
    test = windows(dataset, "test")
    assert len(test) == 100 - 24 - 10 + 1, "the last season must lie in the table too"
    np.testing.assert_allclose(
        test.values[:, 0], (other["load"] - schema.target.mean[0]) / schema.target.std[0], rtol=1e-4, atol=1e-5
    )
    daily = written(tmp_path, frame(freq="D"), "daily.csv")
    with pytest.raises(DataError, match=r"daily.csv is daily, and the model was trained on a series that is hourly"):
        open_like(daily, schema, DataConfig())
    with pytest.raises(DataError, match=r"few.csv holds 30 steps, and evaluating a horizon of 10 needs 34"):
        open_like(written(tmp_path, frame(30), "few.csv"), schema, DataConfig())


def test_the_last_window_of_a_table_is_what_a_forecast_is_made_from(tmp_path: Path) -> None:
    table = frame()
    schema = opened(written(tmp_path, table), horizon=3, look_back=12).schema
    rows, times = rows_to_predict(table, schema)
    assert times == ["2020-01-21 20:00:00", "2020-01-21 21:00:00", "2020-01-21 22:00:00"]
    read = rows.read(np.array([0]))
    raw = read["input"][0] * np.array(schema.target.std) + np.array(schema.target.mean)
    np.testing.assert_allclose(raw, table[["load", "heat"]].to_numpy()[-12:], rtol=1e-5)
    with pytest.raises(DataError, match="table holds 11 steps, and the model needs an input window of 12; add more"):
        rows_to_predict(table.head(11), schema)
    with pytest.raises(DataError, match="table has no column 'load', which the model was trained on"):
        rows_to_predict(table.drop(columns="load"), schema)


def test_windows_of_short_series_are_short(shared_data: Path) -> None:
    dataset = opened(shared_data / "timeseries" / "airline-passengers.csv")
    assert dataset.schema.target.shape == (12, 1)
    assert dataset.schema.target.season == 12
    assert dataset.schema.input.step == "1 months"
    daily = opened(shared_data / "timeseries" / "daily-min-temperatures.csv")
    assert [warning for warning in daily.warnings if "have no row" in warning] == [
        "2 of 3,652 steps have no row, the first after 1984-12-30"
    ]


def test_the_published_split_of_etth1(shared_data: Path) -> None:
    dataset = opened(
        shared_data / "timeseries" / "ETTh1.csv", split_at=("8640", "11520", "14400"), horizon=96, look_back=336
    )
    sizes = {split: len(rows) for split, rows in dataset.splits.items()}
    assert sizes == {"train": 8640 - 336 - 96 + 1, "validation": 2880 - 96 + 1, "test": 2880 - 96 + 1}
    assert dataset.schema.target.names == (
        "HUFL", "HULL", "MUFL", "MULL", "LUFL", "LULL", "OT",
    )  # fmt: skip


def test_names_beside_the_numbers_do_not_make_rows_be_drawn_at_random(tmp_path: Path) -> None:
    table = frame().assign(weekday=lambda t: t["when"].dt.day_name())
    dataset = opened(written(tmp_path, table), target=("load",))
    assert dataset.schema.input.kind == "series"
    assert [column.name for column in dataset.schema.input.columns] == ["load", "heat"]
    assert "1 non-numeric columns were dropped: 'weekday'" in dataset.warnings
    assert opened(tmp_path / "plant.csv", target=("weekday",)).schema.target.kind == "class"


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (lambda t: {"Date": t.dt.strftime("%d/%m/%Y"), "Time": t.dt.strftime("%H:%M:%S")}, "Date Time"),
        (lambda t: {"year": t.dt.year, "month": t.dt.month, "day": t.dt.day, "hour": t.dt.hour}, "year month day hour"),
        (lambda t: {"date": t.dt.strftime("%Y-%m-%d"), "hour": t.dt.hour}, "date hour"),
        (lambda t: {"when": t.dt.strftime("%m/%d/%Y %I:%M:%S %p")}, "when"),
        (lambda t: {"timestamp": t.astype("int64") // 10**9}, "timestamp"),
        (lambda t: {"timestamp": t.astype("int64") // 10**6}, "timestamp"),
    ],
)
def test_times_in_several_columns_or_counted(tmp_path: Path, columns: Any, name: str) -> None:
    table = frame()
    stamps = table["when"].astype("datetime64[ns]")
    path = written(tmp_path, pd.DataFrame({**columns(stamps), "load": table["load"], "heat": table["heat"]}))
    dataset = opened(path)
    assert dataset.schema.input.column == name
    assert dataset.schema.target.names == ("load", "heat")
    np.testing.assert_array_equal(windows(dataset, "train").stamps, stamps.to_numpy().astype("datetime64[s]"))
    _, ahead = rows_to_predict(path, dataset.schema)
    assert ahead[0] == "2020-01-21 20:00:00"


def test_clocks_that_are_put_back_and_forward_leave_even_hours(tmp_path: Path) -> None:
    for start, name in (("2022-10-20", "autumn.csv"), ("2022-03-15", "spring.csv")):
        stamps = pd.date_range(start, periods=ROWS, freq="h", tz="Europe/Berlin")
        dataset = opened(written(tmp_path, frame().assign(when=stamps.astype(str)), name))
        assert dataset.warnings == []
        expected = stamps.tz_convert("UTC").tz_localize(None).to_numpy().astype("datetime64[s]")
        np.testing.assert_array_equal(windows(dataset, "train").stamps, expected)


def test_rows_without_a_value_at_the_end_are_what_is_forecast(tmp_path: Path) -> None:
    table = frame()
    table.loc[ROWS - 14 :, "load"] = np.nan
    path = written(tmp_path, table)
    for target in (("load",), ()):  # `heat`, which is known ahead, does not hide them
        dataset = opened(path, target=target)
        assert len(windows(dataset, "train").stamps) == ROWS - 14
        assert "the last 14 rows have a time and no value, so they are not trained on" in dataset.warnings[-1]
        rows, ahead = rows_to_predict(path, dataset.schema)
        assert ahead[0] == str(table["when"][ROWS - 14])
        scaled = rows.read(np.array([0]))["input"][0, -1, 0]
        column = dataset.schema.input.columns[0]
        assert scaled * column.std + column.mean == pytest.approx(table["load"][ROWS - 15], rel=1e-5)


def several(ids: dict[str, list], rows: int = 120) -> pd.DataFrame:
    """The same days in several series, of which series k has the values 1000 k + day."""
    count = len(next(iter(ids.values())))
    days = pd.date_range("2021-01-01", periods=rows)
    parts = [
        pd.DataFrame({**{name: cells[k] for name, cells in ids.items()}, "ds": days, "y": 1000.0 * k + np.arange(rows)})
        for k in range(count)
    ]
    return pd.concat(parts)


@pytest.mark.parametrize(
    ("ids", "labels"),
    [
        ({"unique_id": ["a", "b", "c"]}, ("a", "b", "c")),
        ({"store": [1, 1, 2, 2], "item": [1, 2, 1, 2]}, ("1 1", "1 2", "2 1", "2 2")),
    ],
)
@pytest.mark.parametrize("by_day", [False, True])
def test_several_series_in_one_table(tmp_path: Path, ids: dict[str, list], labels: tuple, by_day: bool) -> None:
    table = several(ids)
    table = table.sort_values("ds", kind="stable") if by_day else table
    path = written(tmp_path, table)
    dataset = opened(path, target=("y",), horizon=7, look_back=14)
    assert f"{len(labels)} series: {', '.join(labels)}" in facts(dataset)
    ends = {"train": 84, "validation": 96, "test": 120}
    for split, end in ends.items():
        rows = windows(dataset, split).read(np.arange(len(dataset.splits[split])))
        both = np.concatenate([rows["input"], rows["target"]], axis=1) * rows["spread"] + rows["centre"]
        both = both[..., 0]
        assert np.diff(both, axis=1) == pytest.approx(1, abs=0.02), "no window reaches from one series into the next"
        days = np.round(both).astype(int) % 1000
        assert days.max() == end - 1, "all parts end on the same day in every series"
        assert len(np.unique(np.round(both).astype(int) // 1000)) == len(labels)
        assert len(both) == len(labels) * (len(np.unique(days[:, 0])))
    found, ahead = rows_to_predict(path, dataset.schema)
    assert len(found) == len(labels)
    assert ahead[:2] == [f"{labels[0]} 2021-05-01", f"{labels[0]} 2021-05-02"]
    assert ahead[-1] == f"{labels[-1]} 2021-05-07"
    assert Schema.from_dict(dataset.schema.as_dict()) == dataset.schema
    again = open_like(path, dataset.schema, data_config())
    assert len(again.splits["test"]) == len(labels) * (120 - 14 - 7 + 1)
    assert windows(again, "test").describe(0).startswith(f"plant.csv {labels[0]} from 2021-01-15")


def test_series_that_cannot_stand_in_one_table(tmp_path: Path) -> None:
    table = several({"unique_id": ["a", "b"]})
    weekly = table.loc[(table["unique_id"] == "a") | (table["ds"].dt.day_name() == "Monday"), :]
    with pytest.raises(DataError, match="series 'b' is weekly, and 'a' daily; series of one table need the same steps"):
        opened(written(tmp_path, weekly), task="forecasting", target=("y",), group="unique_id")
    twice = pd.concat([table, table])
    with pytest.raises(
        DataError, match="keep one row per time, name the column that tells several series apart with --group"
    ):
        opened(written(tmp_path, twice), task="forecasting", target=("y",))


def of_sizes(sizes: dict[str, float], rows: int = 200) -> pd.DataFrame:
    """Series like one another but for their size: `size` (2 + a wave of a week), with a little noise."""
    generator = np.random.default_rng(0)
    days = pd.date_range("2021-01-01", periods=rows)
    wave = 2 + np.sin(2 * np.pi * np.arange(rows) / 7)
    parts = [
        pd.DataFrame({"unique_id": name, "ds": days, "y": size * (wave + 0.05 * generator.standard_normal(rows))})
        for name, size in sizes.items()
    ]
    table = pd.concat(parts)
    assert isinstance(table, pd.DataFrame)
    return table


def test_each_of_several_series_is_scaled_by_its_own_training_part(tmp_path: Path) -> None:
    table = of_sizes({"small": 1.0, "large": 1e6})
    path = written(tmp_path, table)
    dataset = opened(path, target=("y",), horizon=7, look_back=14)
    train = windows(dataset, "train")
    for name, place in (("small", 0), ("large", 200)):
        values = table.loc[table["unique_id"] == name, "y"].to_numpy()
        known = values[:140]
        expected = (values - known.mean()) / known.std()
        np.testing.assert_allclose(train.values[place : place + 200, 0], expected, atol=1e-5)
    rows = windows(dataset, "test").read(np.array([0, len(dataset.splits["test"]) - 1]))
    assert rows["series"].tolist() == [0, 1]
    brought_back = rows["target"] * rows["spread"] + rows["centre"]
    np.testing.assert_allclose(brought_back[0, :, 0], table["y"].to_numpy()[160:167], rtol=1e-4)
    np.testing.assert_allclose(brought_back[1, :, 0], table["y"].to_numpy()[393:400], rtol=1e-4)
    known = table["y"].to_numpy()[:140]
    assert rows["season_error"][0, 0, 0] == pytest.approx(np.abs(known[7:] - known[:-7]).mean(), rel=1e-5)


def test_a_series_that_is_new_is_scaled_by_what_stands_before_what_is_scored(tmp_path: Path) -> None:
    schema = opened(written(tmp_path, of_sizes({"a": 1.0, "b": 10.0})), target=("y",), horizon=7, look_back=14).schema
    table = of_sizes({"a": 1.0, "new": 500.0})
    path = written(tmp_path, table, "later.csv")
    again = open_like(path, schema, data_config())
    assert "1 series were not trained on: 'new'; each is scaled by its first 14 steps" in " ".join(again.warnings)
    rows = windows(again, "test").read(np.array([0, len(again.splits["test"]) - 1]))
    new = table.loc[table["unique_id"] == "new", "y"].to_numpy()
    assert rows["centre"][1, 0, 0] == pytest.approx(new[:14].mean())
    found, _ = rows_to_predict(path, schema)
    ahead = found.read(np.arange(2))
    assert ahead["centre"][0, 0, 0] == rows["centre"][0, 0, 0], "a series that is known keeps its scale"
    assert ahead["centre"][1, 0, 0] == pytest.approx(new.mean())
    np.testing.assert_allclose(
        ahead["input"][1, :, 0] * ahead["spread"][1] + ahead["centre"][1], new[None, -14:], rtol=1e-4
    )


def test_series_too_short_or_over_too_early_are_named(tmp_path: Path) -> None:
    table = of_sizes({"a": 1.0, "b": 10.0, "over": 3.0, "short": 2.0, "one": 1.0})
    rows = {"over": 150, "short": 15, "one": 1}
    kept = pd.concat([part.iloc[: rows.get(str(name), 200)] for name, part in table.groupby("unique_id", sort=False)])
    dataset = opened(written(tmp_path, kept), target=("y",), horizon=7, look_back=14)
    told = "\n".join(dataset.warnings)
    assert "1 series of fewer than 3 rows are left out: 'one'" in told
    assert "1 of 4 series are not trained on: 'short' (a window takes 21 steps there" in told
    assert "2 of 4 series are not scored on test: 'over', 'short'" in told
    with pytest.raises(
        DataError, match=r"\(short\) holds 15 steps, and the model needs an input window of 20; add more, or"
    ):
        rows_to_predict(
            written(tmp_path, kept.loc[kept["unique_id"] != "one", :], "more.csv"),
            opened(written(tmp_path, kept), target=("y",), horizon=7, look_back=20).schema,
        )


@pytest.mark.parametrize("settings", [{}, {"group": "unique_id", "task": "forecasting"}])
@pytest.mark.parametrize("by_day", [False, True])
def test_a_time_that_stands_twice_in_a_series_is_refused_with_its_row(
    tmp_path: Path, settings: dict[str, Any], by_day: bool
) -> None:
    table = of_sizes({"a": 1.0, "b": 10.0})
    table = pd.concat([table, table.iloc[[250]]])
    table = table.sort_values("ds", kind="stable") if by_day else table
    twice = np.flatnonzero(table.duplicated(["unique_id", "ds"], keep=False))
    first, second = (place + 2 for place in twice)  # rows are counted as in a spreadsheet
    with pytest.raises(DataError, match=rf"row {second}: .* row {first}"):
        opened(written(tmp_path, table), target=("y",), **settings)


def test_runs_of_before_each_series_had_its_scale_are_read_by_the_scale_of_all(tmp_path: Path) -> None:
    path = written(tmp_path, of_sizes({"a": 1.0, "b": 10.0}))
    schema = opened(path, target=("y",), horizon=7, look_back=14).schema
    old = replace(schema, input=replace(schema.input, extra='{"ids": ["unique_id"]}'))
    rows = open_like(path, old, data_config()).splits["test"].read(np.array([0]))
    assert "spread" not in rows
    column, known = old.input.columns[0], pd.read_csv(path)["y"].to_numpy()
    np.testing.assert_allclose(rows["input"][0, :, 0], (known[:14] - column.mean) / column.std, atol=1e-5)


def numbered(count: int = 200, **times: Any) -> pd.DataFrame:
    return pd.DataFrame({**times, "y": np.arange(float(count))})


BEGIN = "2021-03-01"
HERTZ = np.arange(200) / 44.1
ELAPSED = pd.to_datetime(HERTZ, unit="s")


@pytest.mark.parametrize(
    ("times", "step", "last", "ahead"),
    [
        (pd.date_range(BEGIN, periods=200, freq="10ms").strftime("%Y-%m-%d %H:%M:%S.%f"), "10000000 nanoseconds",
         "2021-03-01 00:00:01.99", "2021-03-01 00:00:02"),
        (pd.date_range(BEGIN, periods=200, freq="250us").strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "250000 nanoseconds",
         "2021-03-01 00:00:00.04975", "2021-03-01 00:00:00.05"),
        (pd.date_range(BEGIN, periods=200, freq="100ms").as_unit("ms").astype("int64"), "100000000 nanoseconds",
         "2021-03-01 00:00:19.9", "2021-03-01 00:00:20"),
        (pd.date_range(BEGIN, periods=200, freq="250ms").as_unit("ms").astype("int64") / 1000, "250000000 nanoseconds",
         "2021-03-01 00:00:49.75", "2021-03-01 00:00:50"),
        (HERTZ.round(6), "22675739 elapsed", "4.51", "4.53"),
        (np.arange(200) * 0.02, "20000000 elapsed", "3.98", "4"),
        (np.arange(5, 205), "1 steps", "204", "205"),
        (np.arange(200) * 10, "10 steps", "1990", "2000"),
        (pd.date_range("1980-01-01", periods=200, freq="BME").strftime("%Y-%m-%d"), "1 months", "1996-08-30", "1996-09-30"),
        (pd.date_range("2018-01-01", periods=200, freq="W-MON").strftime("%G-W%V"), "604800 seconds", "2021-10-25", "2021-11-01"),
        (pd.date_range("2018-01-01", periods=200, freq="D").strftime("%GW%V-%u"), "86400 seconds", "2018-07-19", "2018-07-20"),
        (np.round(1980 + np.arange(200) / 12, 3), "1 months", "1996-08", "1996-09"),
        (pd.date_range("1980-01-01", periods=200, freq="MS").strftime("%m/%Y"), "1 months", "1996-08", "1996-09"),
        (pd.date_range("1980-01-01", periods=200, freq="MS").strftime("%Y%m").astype(int), "1 months", "1996-08", "1996-09"),
    ],
)  # fmt: skip
def test_steps_below_a_second_numbered_rows_and_weeks(
    tmp_path: Path, times: Any, step: str, last: str, ahead: str
) -> None:
    path = written(tmp_path, numbered(ds=times))
    dataset = opened(path, horizon=5, look_back=10)
    assert dataset.schema.input.step == step
    told = next(fact.what for fact in dataset.facts if fact.what.startswith("200 steps"))
    assert told.rpartition(" to ")[2].startswith(last), told
    assert list(dataset.warnings) == []
    found, names = rows_to_predict(path, dataset.schema)
    assert names[0].startswith(ahead)
    column = dataset.schema.input.columns[0]
    np.testing.assert_allclose(
        found.read(np.array([0]))["input"][0, :, 0] * column.std + column.mean, range(190, 200), atol=1e-3
    )


def test_clocks_that_round_to_milliseconds_and_miss_a_beat_are_one_even_series(tmp_path: Path) -> None:
    stamps = [stamp.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] for stamp in ELAPSED]
    dataset = opened(written(tmp_path, numbered(ds=stamps).drop(index=[20, 21])), horizon=5, look_back=10)
    values = windows(dataset, "train").values[:140, 0] * dataset.schema.input.columns[0].std
    np.testing.assert_allclose(
        np.diff(values), [0 if place in (19, 20) else 3 if place == 21 else 1 for place in range(139)], atol=1e-3
    )
    assert dataset.warnings[0].startswith("2 of 200 steps have no row, the first after 1970-01-01 00:00:00.43")
    assert "every 22.67" in facts(dataset)


def test_parts_of_a_second_beside_hours_are_passed_over(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    hours = pd.date_range(BEGIN, periods=200, freq="h") + pd.to_timedelta(draw.integers(1, 999, 200), unit="ms")
    dataset = opened(written(tmp_path, numbered(ds=hours)), horizon=5, look_back=10)
    assert dataset.schema.input.step == "3600 seconds"


def test_a_series_in_random_order_is_sorted(tmp_path: Path) -> None:
    table = frame().sample(frac=1, random_state=0)
    dataset = opened(written(tmp_path, table))
    straight = opened(written(tmp_path, frame(), "straight.csv"))
    assert (windows(dataset, "test").values == windows(straight, "test").values).all()


def test_numbered_rows_with_names_beside_are_an_ordinary_table(tmp_path: Path) -> None:
    table = numbered(time=np.arange(200), moving=["yes", "no"] * 100)
    assert recognise(written(tmp_path, table)) is None
    days = numbered(ds=[*range(100), *range(100)], unique_id=["a"] * 100 + ["b"] * 100)
    path = written(tmp_path, days, "two.csv")
    dataset = opened(path, horizon=5, look_back=10)
    assert "2 series: a, b" in facts(dataset)
    assert rows_to_predict(path, dataset.schema)[1][5:7] == ["b 100", "b 101"]


def test_duplicates_in_a_late_series_of_many_are_refused_with_their_row(tmp_path: Path) -> None:
    """AutoGluon looked at the first 100 series alone (autogluon/autogluon#4372)."""
    days = pd.date_range("2020-01-01", periods=30)
    parts = [pd.DataFrame({"item_id": item, "timestamp": days, "target": np.arange(30.0)}) for item in range(110)]
    path = written(tmp_path, pd.concat([*parts, parts[105]]), "items.csv")
    with pytest.raises(
        DataError, match=r"items.csv row 3302: 'item_id' is '105' .* as in row 3152 \(29 more rows repeat another\)"
    ):
        opened(path)


def test_working_days_without_holidays_and_one_series_that_ends_in_rows_to_forecast(tmp_path: Path) -> None:
    """Nixtla/neuralforecast#979 and #1018."""
    days = pd.bdate_range("2015-01-01", periods=200).delete([20, 99])
    dataset = opened(written(tmp_path, numbered(198, ds=days)), horizon=5, look_back=10)
    assert dataset.schema.input.step == "1 workdays"
    assert dataset.warnings[0].startswith("2 of 200 steps have no row, the first after 2015-01-28")
    table = of_sizes({"a": 1.0, "b": 10.0})
    table.loc[(table["unique_id"] == "b") & (table["ds"] > "2021-07-09"), "y"] = np.nan
    path = written(tmp_path, table, "two.csv")
    dataset = opened(path, horizon=5, look_back=14)
    assert "the last 10 rows of a series have a time and no value" in " ".join(dataset.warnings)
    names = rows_to_predict(path, dataset.schema)[1]
    assert (names[0], names[5]) == ("a 2021-07-20", "b 2021-07-10"), "each is forecast from its own end"


@pytest.mark.parametrize(
    ("freq", "rows", "settings", "said"),
    [
        ("h", 3_000, {}, "input window of 336 steps (two weeks)"),
        ("h", 3_000, {"horizon": 150}, "input window of 450 steps (three horizons)"),
        (
            "15min",
            6_000,
            {},
            "input window of 512 steps (two weeks are 1,344 steps, and longer than 512 none is chosen; --look-back",
        ),
        ("h", 1_000, {}, "input window of 168 steps (a quarter of the training steps, in whole seasons of 24)"),
        ("MS", 200, {}, "input window of 24 steps (a quarter of the training steps, in whole seasons of 12)"),
    ],
)
def test_the_reason_of_an_input_window_is_the_one_that_decided(
    tmp_path: Path, freq: str, rows: int, settings: dict[str, Any], said: str
) -> None:
    table = pd.DataFrame(
        {"when": pd.date_range("1900-01-01", periods=rows, freq=freq), "load": np.sin(np.arange(rows) / 5)}
    )
    assert said in facts(opened(written(tmp_path, table), **settings))


def test_a_window_that_is_too_long_is_refused_with_the_longest_that_fits(tmp_path: Path) -> None:
    path = written(tmp_path, frame(400))
    with pytest.raises(
        DataError, match=r"--look-back 512 and a horizon of 24 steps need .*; --look-back (\d+) is the l"
    ) as told:
        opened(path, look_back=512)
    longest = int(str(told.value).split("; --look-back ")[1].split()[0])
    assert opened(path, look_back=longest).schema.input.shape[0] == longest
    with pytest.raises(DataError, match="is the longest"):
        opened(path, look_back=longest + 1)
