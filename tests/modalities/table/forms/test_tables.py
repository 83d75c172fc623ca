"""Tables as datasets: splits, facts, targets, schemas that read other tables alike, and the real files."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from sample_places import form
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset, Rows, Schema
from sonde.core.errors import DataError
from sonde.modalities.modality import Wanted
from sonde.modalities.open import open_data
from sonde.modalities.table.forms import tables
from sonde.modalities.table.inputs import rows_to_predict
from sonde.modalities.table.read import frame_table

read, recognise = form(tables)


def read_frame(source: Any, config: DataConfig, like: Schema | None = None) -> Dataset:
    split = "train" if like is None else "test"
    return tables.read_frames({split: frame_table(source, "table")}, Wanted(config=config, like=like))


def config(target: str = "y", **settings) -> DataConfig:
    return data_config(target=tuple(target.split(",")), **settings)


def fields(dataset: Dataset, split: str) -> dict[str, np.ndarray]:
    rows = dataset.splits[split]
    return rows.read(np.arange(len(rows)))


def frame(n: int = 200, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "x": generator.normal(5, 2, n),
            "kind": generator.choice(["a", "b", "c"], n),
            "y": generator.choice(["no", "yes"], n, p=[0.8, 0.2]),
        }
    )


def folder(tmp_path: Path, **tables: pd.DataFrame) -> Path:
    place = tmp_path / "data"
    place.mkdir()
    for name, table in tables.items():
        table.to_csv(place / f"{name}.csv", index=False)
    return place


def test_recognises_tables_and_folders_of_them(tmp_path: Path):
    place = folder(tmp_path, train=frame(20), dev=frame(10), notes=frame(5))
    assert recognise(place) == "tables named train.csv, dev.csv"
    assert recognise(place / "train.csv") == "its name ends in .csv"
    (tmp_path / "words.txt").write_text("a b c")
    assert recognise(tmp_path / "words.txt") is None
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "absent.csv") is None


def test_the_names_of_hugging_face_are_splits(tmp_path: Path):
    for name in ("train-00000-of-00001", "test-00000-of-00001"):
        frame(30).to_parquet(tmp_path / f"{name}.parquet")
    assert recognise(tmp_path) == "tables named train-00000-of-00001.parquet, test-00000-of-00001.parquet"
    (tmp_path / "train-00000-of-00001.parquet").rename(tmp_path / "train-00001-of-00002.parquet")
    with pytest.raises(DataError, match=r"the train split is cut into 2 files such as train-00001-of-00002\.parquet"):
        recognise(tmp_path)


def test_parquet_with_images_is_left_to_another_form(tmp_path: Path):
    pd.DataFrame({"image": [{"bytes": b"x", "path": None}], "label": [1]}).to_parquet(tmp_path / "train.parquet")
    assert recognise(tmp_path / "train.parquet") is None
    assert recognise(tmp_path) is None


def test_splits_are_reproducible_stratified_and_disjoint():
    source = frame(500)
    once, again = (read_frame(source, config()) for _ in range(2))
    assert {k: len(v) for k, v in once.splits.items()} == {"train": 360, "validation": 40, "test": 100}
    places = [rows.describe(i) for rows in once.splits.values() for i in range(len(rows))]
    assert len(set(places)) == 500
    share = (source["y"] == "yes").mean()
    for split in once.splits:
        np.testing.assert_array_equal(fields(once, split)["input"], fields(again, split)["input"])
        assert abs(fields(once, split)["target"].mean() - share) < 0.02
    assert len(read_frame(source, config(validation=0, test=0)).splits["train"]) == 500


def test_rows_say_where_they_came_from_and_hold_it(tmp_path: Path):
    source = frame(60)
    source.to_csv(tmp_path / "t.csv", index=False)
    dataset = read(tmp_path / "t.csv", config())
    rows = dataset.splits["test"]
    assert isinstance(rows, Rows)
    line = int(rows.describe(3).removeprefix("t.csv row "))
    x = dataset.schema.input.columns[0]
    original = source["x"][line - 2]
    np.testing.assert_allclose(rows.read(np.array([3]))["input"][0, 0], (original - x.mean) / x.std, rtol=1e-5)
    assert pickle.loads(pickle.dumps(rows)).describe(3) == rows.describe(3)
    assert rows.nbytes() == 12 * (2 * 4 + 8)
    np.testing.assert_array_equal(rows.read(np.array([5, 1]))["input"], rows.read(np.arange(12))["input"][[5, 1]])


def test_a_folders_own_splits_are_kept_and_the_rest_held_back(tmp_path: Path):
    place = folder(tmp_path, train=frame(100), test=frame(30, seed=1))
    dataset = read(place, config())
    assert {k: len(v) for k, v in dataset.splits.items()} == {"train": 90, "test": 30, "validation": 10}
    x = dataset.schema.input.columns[0]
    expected = (frame(30, seed=1)["x"] - x.mean) / x.std
    np.testing.assert_allclose(fields(dataset, "test")["input"][:, 0], expected, rtol=1e-4, atol=1e-6)
    assert dataset.splits["test"].describe(0) == "test.csv row 2"
    assert dataset.form == "folder of CSV tables"
    assert set(dataset.fingerprint) == {"train.csv", "test.csv"}
    assert ("30 test rows", "from the data") in [(f.what, f.why) for f in dataset.facts]


def test_a_test_file_without_target_is_set_aside_and_test_rows_held_back(tmp_path: Path):
    place = folder(tmp_path, train=frame(100), test=frame(30).drop(columns="y"))
    dataset = read(place, config())
    assert dataset.warnings == [
        "test.csv has no column 'y', so the model cannot be evaluated on it; use sonde predict on it after training"
    ]
    assert {k: len(v) for k, v in dataset.splits.items()} == {"train": 72, "validation": 8, "test": 20}


def test_statistics_come_from_training_rows_alone():
    source = frame(300)
    dataset = read_frame(source, config())
    train = fields(dataset, "train")["input"][:, 0]
    assert abs(train.mean()) < 1e-6
    assert abs(train.std() - 1) < 1e-5
    assert dataset.schema.input.columns[0].mean != pytest.approx(source["x"].mean(), abs=1e-9)


def test_values_are_standardised_and_come_back():
    source = frame(300)
    source["price"] = source["x"] * 1000 + 7
    dataset = read_frame(source, config("price"))
    spec = dataset.schema.target
    assert (spec.kind, spec.names) == ("value", ("price",))
    held = fields(dataset, "test")
    assert held["target"].dtype == np.float32
    x = dataset.schema.input.columns[0]
    prices = held["target"][:, 0] * spec.std[0] + spec.mean[0]
    np.testing.assert_allclose(prices, (held["input"][:, 0] * x.std + x.mean) * 1000 + 7, rtol=1e-4)


def test_several_targets_with_gaps_are_masked():
    source = frame(100)
    source["a"], source["b"] = source["x"] * 2, source["x"] - 1.5
    source.loc[:9, "a"] = np.nan
    source.loc[:4, "b"] = np.nan
    dataset = read_frame(source, config("a,b"))
    assert dataset.schema.target.masked
    assert sum(len(rows) for rows in dataset.splits.values()) == 95
    assert dataset.warnings == ["table: 5 of 100 rows have none of the 2 targets and are dropped"]
    masks = np.concatenate([fields(dataset, split)["mask"] for split in dataset.splits])
    targets = np.concatenate([fields(dataset, split)["target"] for split in dataset.splits])
    assert masks.sum(axis=0).tolist() == [90, 95]
    assert (targets[masks == 0] == 0).all()
    train = fields(dataset, "train")
    assert abs(train["target"][train["mask"][:, 0] == 1, 0].mean()) < 1e-5


def test_rows_without_a_target_are_left_out_and_counted():
    source = frame(100)
    source.loc[3:5, "y"] = None
    dataset = read_frame(source, config())
    assert dataset.warnings == ["table: 3 of 100 rows have no 'y' and are dropped"]
    assert sum(len(rows) for rows in dataset.splits.values()) == 97


def test_schema_through_json_encodes_alike(tmp_path: Path):
    source = frame(100)
    source["when"] = pd.date_range("2020-01-01", periods=100, freq="31h").strftime("%d/%m/%Y %H:%M")
    source.to_csv(tmp_path / "t.csv", index=False)
    dataset = read(tmp_path / "t.csv", config())
    schema = Schema.from_dict(json.loads(json.dumps(dataset.schema.as_dict())))
    assert schema == dataset.schema
    rows, names = rows_to_predict(tmp_path / "t.csv", schema)
    assert names[0] == "t.csv row 2"
    everything = rows.read(np.arange(100))["input"]
    for split in dataset.splits.values():
        index = [names.index(split.describe(i)) for i in range(len(split))]
        np.testing.assert_array_equal(everything[index], split.read(np.arange(len(split)))["input"])
    # days up to the twelfth alone would be read month first: the order is the one training found
    early = [i for i, when in enumerate(source["when"]) if int(when[:2]) <= 12]
    some, _ = rows_to_predict(source.iloc[early], schema)
    np.testing.assert_allclose(some.read(np.arange(len(early)))["input"], everything[early], rtol=1e-5, atol=1e-6)


def test_prediction_ignores_order_and_extra_columns():
    dataset = read_frame(frame(100), config())
    new = frame(5, seed=3)
    plain, _ = rows_to_predict(new, dataset.schema)
    shuffled, _ = rows_to_predict(
        {"extra": list("abcde"), "kind": list(new["kind"]), "x": torch.tensor(new["x"])}, dataset.schema
    )
    np.testing.assert_array_equal(plain.read(np.arange(5))["input"], shuffled.read(np.arange(5))["input"])
    with pytest.raises(
        DataError, match=r"^table has no column 'kind', which the model was trained on; it has 'x', 'y'$"
    ):
        rows_to_predict(new.drop(columns="kind"), dataset.schema)


def test_judging_another_table_uses_the_saved_encoding(tmp_path: Path):
    dataset = read_frame(frame(100), config())
    other = read_frame(frame(50, seed=9), config(), dataset.schema)
    assert other.schema == dataset.schema
    assert {k: len(v) for k, v in other.splits.items()} == {"test": 50}
    assert fields(other, "test")["target"].tolist() == (frame(50, seed=9)["y"] == "yes").astype(int).tolist()
    strange = frame(50)
    strange.loc[7, "y"] = "perhaps"
    strange.to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(DataError, match=r"^s\.csv row 9: 'y' is 'perhaps', a class that training rows do not have"):
        read(tmp_path / "s.csv", config(), like=dataset.schema)
    with pytest.raises(DataError, match=r"^which column holds the true class\? Use --target COLUMN$"):
        read_frame(frame(5), DataConfig(), dataset.schema)


BAD_FILES = {
    "text for a number": (
        "x,y\n" + "1,a\n2,b\n" * 30 + "oops,a\n",
        r"t\.csv row 62: text where numbers should be: 'oops'",
    ),
    "ragged": ("x,y\n1,a\n2\n", r"t\.csv row 3: 1 fields where 2 were expected"),
    "no such target": ("x,yy\n1,a\n2,b\n", r"t\.csv has no column 'y' to predict; it has x, yy|did you mean 'yy'"),
    "constant target": ("x,y\n1,a\n2,a\n", r"t\.csv: target column 'y' is 'a' in every row; there is nothing to learn"),
    "all classes differ": ("x,y\n1,a\n2,b\n3,\n", r"t\.csv: target column 'y' has as many classes as rows"),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_bad_files_are_one_line(tmp_path: Path, content: str, message: str):
    (tmp_path / "t.csv").write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        read(tmp_path / "t.csv", config())
    assert "\n" not in str(caught.value)


def test_a_split_named_twice_is_refused(tmp_path: Path):
    place = folder(tmp_path, train=frame(20), dev=frame(10), val=frame(10))
    with pytest.raises(DataError, match=r"dev\.csv and val\.csv both name the validation split; keep one$"):
        read(place, config())


def test_real_housing(shared_data: Path):
    dataset = read(shared_data / "tabular" / "housing.csv", config("median_house_value"))
    assert {k: len(v) for k, v in dataset.splits.items()} == {"train": 14861, "validation": 1651, "test": 4128}
    names = [c.name for c in dataset.schema.input.columns]
    assert names[4:6] == ["total_bedrooms", "total_bedrooms missing"]
    missing = sum(fields(dataset, split)["input"][:, 5].sum() for split in dataset.splits)
    assert missing == 207  # as the data's own README says
    assert "missing in total_bedrooms (207)" in dataset.facts[0].why
    assert dataset.schema.input.columns[-1].categories == ("<1H OCEAN", "INLAND", "ISLAND", "NEAR BAY", "NEAR OCEAN")
    assert dataset.form == "CSV table"


def test_real_titanic(shared_data: Path):
    dataset = read(shared_data / "tabular" / "titanic.csv", config("Survived"))
    assert dataset.schema.target.names == ("0", "1")
    assert dataset.schema.target.out_dim == 1
    said = {fact.what: fact.why for fact in dataset.facts}
    assert said["left out PassengerId"] == "a row ID"
    assert said["left out Name, Ticket"] == "nearly every row has a distinct text"
    columns = {c.name: c for c in dataset.schema.input.columns}
    assert columns["Sex"].categories == ("female", "male")
    index = list(columns).index("Cabin missing")
    assert sum(fields(dataset, split)["input"][:, index].sum() for split in dataset.splits) == 687


def test_real_penguins(shared_data: Path):
    dataset = read(shared_data / "tabular" / "penguins.csv", config("species"))
    assert dataset.schema.target.names == ("Adelie", "Chinstrap", "Gentoo")
    assert sum(len(rows) for rows in dataset.splits.values()) == 344


def test_the_data_of_a_hub_repository_stand_in_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    (tmp_path / "README.md").write_text("about")
    for split, rows in (("train", 60), ("test", 20)):
        table = pa.table({"a": np.arange(rows) * 0.5, "label": [("x", "y")[n % 2] for n in range(rows)]})
        pq.write_table(table, folder / f"{split}-00000-of-00001.parquet")
    found = open_data(tmp_path, data_config(validation=0.0, target=("label",)))
    assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 60, "test": 20}


def test_a_model_of_a_table_without_header_reads_such(tmp_path: Path):
    rows = [f"{5 + number / 8:.3f},{number % 7},{'ab'[number % 2]}" for number in range(40)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(rows) + "\n")
    dataset = read(path, config("c3"))
    assert sum(map(len, dataset.splits.values())) == 40
    (tmp_path / "one.csv").write_text("5.250,2\n")  # a single row, without the target
    found, names = rows_to_predict(tmp_path / "one.csv", dataset.schema)
    assert names == ["one.csv row 1"]
    again, _ = rows_to_predict(path, dataset.schema)
    np.testing.assert_array_equal(found.read(np.array([0]))["input"], again.read(np.array([2]))["input"])
    judged = read(path, config("c3"), like=dataset.schema)
    assert len(judged.splits["test"]) == 40
    (tmp_path / "short.csv").write_text("5.250\n4.5\n")
    with pytest.raises(
        DataError, match="has no column 'c2', .* keep the places of all columns, that of the target too$"
    ):
        rows_to_predict(tmp_path / "short.csv", dataset.schema)


def test_a_table_without_header_for_a_model_of_names_is_refused(tmp_path: Path):
    dataset = read_frame(frame(), config())
    (tmp_path / "later.csv").write_text("5.25,a\n4.5,b\n3.5,a\n2.25,b\n")
    with pytest.raises(DataError, match=r"no column 'x', 'kind', .*; its first row reads like data: add a header$"):
        rows_to_predict(tmp_path / "later.csv", dataset.schema)


def test_cells_that_are_no_target_are_left_out_where_asked(tmp_path: Path):
    path = tmp_path / "t.csv"
    path.write_text("x,y\n" + "".join(f"{n % 9},{'>6.5' if n % 20 == 0 else n / 8}\n" for n in range(80)))
    with pytest.raises(
        DataError, match="limits such as '>6.5' and not values; empty them, or leave such rows out with --sk"
    ):
        read(path, config())
    dataset = read(path, config(skip_unreadable=True))
    assert sum(map(len, dataset.splits.values())) == 76
    assert dataset.warnings[0] == (
        "t.csv: 4 of 80 rows are left out, since their 'y' cannot be read, such as '>6.5' (t.csv row 2)"
    )


@pytest.mark.parametrize("blank", [-1, None])
@pytest.mark.parametrize("target", ["y", "y,z"])
def test_a_test_part_without_labels_is_set_aside(tmp_path: Path, blank: int | None, target: str) -> None:
    rows = pd.DataFrame(
        {"x": np.arange(60) * 1.5, "w": np.arange(60)[::-1] * 0.5, "y": [0, 1] * 30, "z": [1, 1, 0] * 20}
    )
    hidden = rows.head(20).assign(y=blank, z=blank)
    found = open_data(folder(tmp_path, train=rows, test=hidden), config(target))
    assert any("test.csv has no labels: 'y' is empty or -1 in every row" in warning for warning in found.warnings)
    assert sum(map(len, found.splits.values())) == 60


def test_a_label_that_never_varies_is_named_with_the_way_on() -> None:
    rows = pd.DataFrame({"x": np.arange(60) * 1.5, "w": np.arange(60) % 7, "y": [0, 1] * 30, "z": 0})
    with pytest.raises(DataError, match="'z' is 0 in every row; there is nothing to learn: leave 'z' out of --target"):
        open_data(rows, config("y,z"))
    assert open_data(rows, config("y")).schema.target.kind == "class"


def test_dates_are_left_out_where_later_rows_must_not_look_strange() -> None:
    source = frame().assign(at=pd.date_range("2025-01-01", periods=200, freq="h"))
    wanted = Wanted(config=DataConfig(), task="anomaly")
    found = tables.read_frames({"train": frame_table(source.drop(columns="y"), "table")}, wanted)
    assert {column.source for column in found.schema.input.columns} == {"x", "kind"}
    assert any(fact.what == "left out at" and "write hours or weekdays" in fact.why for fact in found.facts)
    learned = read_frame(source, config())
    assert "at" in {column.source for column in learned.schema.input.columns}
