"""Parquet and Arrow files of encoded images, CIFAR-10 among them."""

import io
import json
import pickle
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image
from sample_places import form
from sample_settings import data_config

from sonde.core.config import DataConfig, FeedConfig
from sonde.core.errors import DataError
from sonde.data.feed.build import build_source
from sonde.data.splits import labels_of, targets_of
from sonde.modalities.image.forms import parquet
from sonde.modalities.image.shards import Shards, open_shards

read, recognise = form(parquet)

PIXELS = np.random.default_rng(0).integers(0, 256, (64, 5, 7, 3), dtype=np.uint8)


def png(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(array).save(stream, "PNG")
    return stream.getvalue()


def table(rows: range, *, names: tuple[str, ...] = ("cat", "dog", "owl"), **columns: Any) -> pa.Table:
    """Rows in Hugging Face's form: image i is PIXELS[i], its label i % 3."""
    content = {"image": [{"bytes": png(PIXELS[i]), "path": f"{i}.png"} for i in rows], "label": [i % 3 for i in rows]}
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": list(names)}}
    note = {b"huggingface": json.dumps({"info": {"features": features}}).encode()}
    return pa.table({**content, **columns}).replace_schema_metadata(note)


def write(folder: Path, **files: range) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        pq.write_table(table(rows), folder / f"{name.replace('_', '-')}.parquet", row_group_size=7)
    return folder


def test_shards_in_a_data_folder(tmp_path: Path) -> None:
    files = {
        "train_00000_of_00002": range(30),
        "train_00001_of_00002": range(30, 50),
        "test_00000_of_00001": range(50, 60),
    }
    write(tmp_path / "data", **files)
    (tmp_path / "README.md").write_text("about")
    assert recognise(tmp_path) == "column 'image' of test-00000-of-00001.parquet holds images"
    data = read(tmp_path, DataConfig(validation=0))
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 50, "test": 10}
    assert data.schema.target.names == ("cat", "dog", "owl")
    assert data.schema.input.shape == (3, 5, 7)
    order = np.array([49, 0, 31, 6, 7])
    batch = data.splits["train"].read(order)
    assert (batch["input"] == PIXELS[order].transpose(0, 3, 1, 2)).all()
    assert (batch["target"] == order % 3).all()
    assert data.splits["train"].describe(31) == "train-00001-of-00002.parquet row 1"


@pytest.mark.parametrize(
    "names",
    [
        ("train.parquet", "validation.parquet", "test.parquet"),
        ("train/0000.parquet", "validation/0000.parquet", "test/0000.parquet"),
        ("default/train/0000.parquet", "default/validation/0000.parquet", "default/test/0000.parquet"),
    ],
)
def test_split_names(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name, rows in zip(names, (range(30), range(30, 40), range(40, 60)), strict=True):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table(rows), tmp_path / name)
    data = read(tmp_path, DataConfig())
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 30, "validation": 10, "test": 20}


@pytest.mark.parametrize("stream", [True, False])
def test_arrow_files_in_both_formats(tmp_path: Path, stream: bool) -> None:
    content = table(range(40))
    new = pa.ipc.new_stream if stream else pa.ipc.new_file
    with pa.OSFile(str(tmp_path / "data-00000-of-00001.arrow"), "wb") as sink, new(sink, content.schema) as writer:
        writer.write_table(content, max_chunksize=9)
    data = read(tmp_path, DataConfig(validation=0, test=0))
    assert data.form == "Arrow images"
    order = np.array([39, 8, 9, 10])
    assert (data.splits["train"].read(order)["input"] == PIXELS[order].transpose(0, 3, 1, 2)).all()


def test_rows_pickle_small_and_read_again(tmp_path: Path) -> None:
    data = read(write(tmp_path, train=range(60)), DataConfig())
    rows = data.splits["train"]
    rows.read(np.arange(3))
    packed = pickle.dumps(rows)
    assert len(packed) < 4000
    assert (pickle.loads(packed).read(np.array([5]))["input"] == rows.read(np.array([5]))["input"]).all()


@pytest.mark.parametrize("kind", ["resident", "streaming"])
def test_feeds_hold_what_they_need_of_the_files(tmp_path: Path, kind: Literal["resident", "streaming"]) -> None:
    data = read(write(tmp_path, train=range(60)), DataConfig(validation=0, test=0))
    before, rows = pa.total_allocated_bytes(), data.splits["train"]
    feed = FeedConfig(batch_size=16, workers=0)
    source = build_source(rows, data.schema, feed, training=True, seed=0, device=torch.device("cpu"), kind=kind)
    held = pa.total_allocated_bytes() - before
    assert len({int(row) for batch in source for row in batch.index}) == 60
    encoded = sum(len(png(image)) for image in PIXELS[:60])
    assert held == 0 if kind == "resident" else held >= encoded  # all row groups, because rows are drawn at random


def test_large_sets_are_unpacked_once_and_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SONDE_CACHE", str(tmp_path / "cache"))
    files = [write(tmp_path, train=range(60)) / "train.parquet"]
    shards = open_shards(files, "image", limit=100)
    assert isinstance(shards, Shards)
    (unpacked,) = (tmp_path / "cache" / "unpacked").iterdir()
    assert shards.files == (unpacked,)
    assert shards.describe(8) == "train.parquet row 8"
    assert [shards.content(i) for i in (59, 0, 31)] == [png(PIXELS[i]) for i in (59, 0, 31)]
    before = unpacked.stat().st_mtime_ns
    open_shards(files, "image", limit=100)
    assert unpacked.stat().st_mtime_ns == before


def test_which_column_is_the_target(tmp_path: Path) -> None:
    pq.write_table(table(range(60), fine=[i % 5 for i in range(60)]), tmp_path / "train.parquet")
    assert len(read(tmp_path, DataConfig()).schema.target.names) == 3  # "label" is called so
    assert len(read(tmp_path, data_config(target=("fine",))).schema.target.names) == 5
    with pytest.raises(DataError, match=r"has no column 'fin' to predict; did you mean 'fine'\?"):
        read(tmp_path, data_config(target=("fin",)))
    unclear = table(range(60), fine=[i % 5 for i in range(60)]).rename_columns(["image", "coarse", "fine"])
    pq.write_table(unclear, tmp_path / "train.parquet")
    with pytest.raises(DataError, match="which column is the target. Use --target with one of coarse, fine"):
        read(tmp_path, DataConfig())


def test_text_and_several_targets(tmp_path: Path) -> None:
    words = ["red" if i % 2 else "blue" for i in range(60)]
    pq.write_table(table(range(60), word=words, a=np.arange(60.0), b=np.arange(60.0) ** 2), tmp_path / "train.parquet")
    assert read(tmp_path, data_config(target=("word",))).schema.target.names == ("blue", "red")
    data = read(tmp_path, data_config(target=("a", "b"), validation=0, test=0))
    assert data.schema.target.kind == "value"
    assert data.schema.target.mean == pytest.approx((29.5, np.mean(np.arange(60.0) ** 2)))
    assert targets_of(data.splits["train"]).shape == (60, 2)


def test_an_unlabelled_test_split_is_left_out_and_said(tmp_path: Path) -> None:
    write(tmp_path, train=range(50))
    hidden = table(range(50, 60)).set_column(1, "label", pa.array([-1] * 10))
    pq.write_table(hidden, tmp_path / "test.parquet")
    data = read(tmp_path, DataConfig())
    assert data.warnings == [
        "test has no labels, so the model cannot be evaluated on it; use sonde predict on it after training"
    ]
    assert len(data.splits["test"]) == 10  # held back from train instead


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        read(path, DataConfig())
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_truncated_file_is_named(tmp_path: Path) -> None:
    write(tmp_path, train_00000_of_00002=range(30), train_00001_of_00002=range(30, 60))
    last = tmp_path / "train-00001-of-00002.parquet"
    last.write_bytes(last.read_bytes()[:-50])
    assert recognise(tmp_path) is not None
    assert refused(tmp_path).startswith(f"{last} is damaged or truncated (Parquet magic bytes not found in footer")
    first = tmp_path / "train-00000-of-00002.parquet"
    first.write_bytes(b"PAR1")
    assert recognise(tmp_path) == "it holds train-00000-of-00002.parquet"
    assert refused(tmp_path).startswith(f"{first} is damaged or truncated")


def test_missing_labels_and_images_name_the_row(tmp_path: Path) -> None:
    gap = table(range(60)).set_column(1, "label", pa.array([None if i == 17 else i % 3 for i in range(60)]))
    pq.write_table(gap, tmp_path / "train.parquet")
    assert refused(tmp_path) == "train.parquet row 17 has no 'label'; leave the row out"
    content = table(range(60)).to_pydict()
    content["image"][17] = {"bytes": None, "path": "elsewhere.png"}
    pq.write_table(pa.table(content), tmp_path / "train.parquet")
    assert refused(tmp_path) == "train.parquet row 17 holds no image bytes; leave the row out"


def test_labels_out_of_range(tmp_path: Path) -> None:
    pq.write_table(table(range(60), names=("cat", "dog")), tmp_path / "train.parquet")
    assert refused(tmp_path).startswith(
        "train.parquet 'label' row 2: label 2 is out of range; the 2 classes are cat, dog"
    )


def test_a_spoilt_image_is_named_or_skipped(tmp_path: Path) -> None:
    content = table(range(60)).to_pydict()
    content["image"][17]["bytes"] = content["image"][17]["bytes"][:-30]
    pq.write_table(pa.table(content), tmp_path / "train.parquet")
    data = read(tmp_path, DataConfig(skip_unreadable=True, validation=0, test=0))
    assert len(data.splits["train"]) == 59
    assert data.warnings == ["train: 1 unreadable images skipped: train.parquet row 17"]
    with pytest.raises(DataError, match=r"^train.parquet row 17 cannot be read as an image"):
        read(tmp_path, DataConfig(validation=0, test=0)).splits["train"].read(np.arange(60))


def test_tables_are_not_taken(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1, 2], "b": [3, 4]}), tmp_path / "train.parquet")
    assert recognise(tmp_path / "train.parquet") is None
    assert recognise(tmp_path) is None


def test_cifar10(shared_data: Path) -> None:
    data = read(shared_data / "cifar10", DataConfig())
    assert {split: len(rows) for split, rows in data.splits.items()} == {
        "train": 45000,
        "validation": 5000,
        "test": 10000,
    }
    assert data.schema.target.names[:3] == ("airplane", "automobile", "bird")
    assert len(data.schema.target.names) == 10
    # published for the original: 0.4914, 0.4822, 0.4465 and 0.2470, 0.2435, 0.2616; here 1,000 JPEG copies
    assert data.schema.input.mean == pytest.approx((0.4914, 0.4822, 0.4465), abs=0.02)
    assert data.schema.input.std == pytest.approx((0.2470, 0.2435, 0.2616), abs=0.02)
    assert np.bincount(labels_of(data.splits["validation"])).tolist() == [500] * 10
    batch = data.splits["test"].read(np.array([9999, 0]))
    assert batch["input"].shape == (2, 3, 32, 32)
