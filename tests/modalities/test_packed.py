"""Packed files given as data: unpacked once into the cache, opened from there, and known by their own name."""

import os
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import orc
from sample_settings import data_config

from sonde.core.errors import DataError
from sonde.modalities.inputs import rows_for
from sonde.modalities.open import open_data, open_like
from sonde.modalities.packed import opened

CSV = "x,y\n" + "".join(f"{n / 7:.3f},{'ab'[n % 2]}\n" for n in range(40))


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONDE_CACHE", str(tmp_path / "cache"))


def _zip(path: Path, **members: str | bytes) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name, content in members.items():
            file.writestr(name.replace("__", "/").replace("_csv", ".csv"), content)
    return path


def test_a_zipped_table_is_read_evaluated_and_predicted_on(tmp_path: Path) -> None:
    path = _zip(tmp_path / "sales.zip", sales_csv=CSV, README="read me")
    dataset = open_data(path, data_config(target=("y",)))
    assert (dataset.name, dataset.source, dataset.form) == ("sales", str(path), "CSV table")
    assert sum(map(len, dataset.splits.values())) == 40
    assert dataset.facts[0].what.startswith(f"sales.zip unpacked to {tmp_path}/cache/opened/sales-")
    again = open_like(path, dataset.schema, data_config(target=("y",)))
    assert len(again.splits["test"]) == 40
    rows, names = rows_for([str(path)], dataset.schema)
    assert (len(rows), names[0]) == (40, "sales.csv row 2")


def test_it_is_unpacked_once_and_anew_when_it_changes(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", a_csv=CSV)
    first = opened(path)
    assert first is not None
    assert opened(str(path)) == first
    _zip(path, a_csv=CSV + "9,a\n")
    os.utime(path, ns=(1, 1))
    second = opened(path)
    assert second is not None
    assert second.path.read_text() == CSV + "9,a\n"
    assert list((tmp_path / "cache" / "opened").glob(".part*")) == []


def test_splits_are_splits_and_of_several_tables_one_is_named(tmp_path: Path) -> None:
    splits = open_data(_zip(tmp_path / "s.zip", train_csv=CSV, test_csv=CSV), data_config(target=("y",))).splits
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 36, "validation": 4, "test": 40}
    path = _zip(tmp_path / "wine.zip", red_csv=CSV, white_csv=CSV.replace("a", "c"))
    with pytest.raises(
        DataError, match=r"wine\.zip holds 2 tables \(red\.csv, white\.csv\); name one, such as 'wine\.zip#red\.csv'$"
    ):
        open_data(path, data_config())
    assert open_data(f"{path}#white.csv", data_config(target=("y",))).schema.target.names == ("b", "c")
    with pytest.raises(DataError, match=r"wine\.zip has no '\.\./red\.csv'; it has red\.csv, white\.csv"):
        open_data(f"{path}#../red.csv", data_config())


def test_class_folders_and_an_archive_in_an_archive(tmp_path: Path) -> None:
    members = {}
    for name, value in (("cat", 40), ("dog", 200)):
        for n in range(12):
            Image.fromarray(np.full((8, 8), value + n, np.uint8)).save(tmp_path / "one.png")
            members[f"pets__{name}__{n}.png"] = (tmp_path / "one.png").read_bytes()
    inner = _zip(tmp_path / "pets.zip", **members)
    path = _zip(tmp_path / "outer.zip", **{"pets.zip": inner.read_bytes()})
    for one in (inner, path):
        dataset = open_data(one, data_config())
        assert dataset.schema.target.names == ("cat", "dog")
        assert sum(map(len, dataset.splits.values())) == 24
        assert dataset.name == one.stem
    nested = path
    for n in range(4):
        nested = _zip(tmp_path / f"n{n}.zip", **{f"in{n}.zip": nested.read_bytes()})
    with pytest.raises(DataError, match=r"n3\.zip holds a packed file in a packed file; unpack it first"):
        open_data(nested, data_config())


def test_orc_and_stata_are_tables(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": np.arange(40) / 7, "y": pandas.Categorical(["low", "high"] * 20)})
    frame.to_stata(tmp_path / "a.dta", write_index=False)
    orc.write_table(pa.table({"x": np.arange(40) / 7, "y": ["low", "high"] * 20}), tmp_path / "a.orc")
    for name in ("a.dta", "a.orc"):
        assert open_data(tmp_path / name, data_config(target=("y",))).schema.target.names == ("high", "low")
        (tmp_path / f"cut-{name}").write_bytes((tmp_path / name).read_bytes()[:100])
        with pytest.raises(DataError, match=rf"cut-{name} is damaged or has the wrong ending \(.+\); write it again"):
            open_data(tmp_path / f"cut-{name}", data_config())


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SONDE_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"a\.zip cannot be unpacked to .+ \(.+\); set SONDE_CACHE to another folder"):
        open_data(_zip(tmp_path / "a.zip", a_csv=CSV), data_config())
