"""Arrays, tensors, frames, lists of images, and any of these by split."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.data.splits import targets_of
from sonde.modalities.open import open_data

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(60, 4)), np.arange(60) % 3
WHOLE = DataConfig(validation=0, test=0)


def opened(data: Any, config: DataConfig = WHOLE, **more: Any) -> Dataset:
    return open_data(data, config, **more)


def test_arrays_and_tensors_are_the_same() -> None:
    one = opened((X, Y))
    two = opened((torch.tensor(X), torch.tensor(Y)))
    assert (one.splits["train"].read(np.arange(60))["input"] == two.splits["train"].read(np.arange(60))["input"]).all()
    assert one.fingerprint == two.fingerprint
    assert one.schema == two.schema
    assert one.schema.input.kind == "array"
    assert one.facts[0].what == "60 rows of 4 numbers"
    assert one.facts[0].why == "arrays in memory: ndarray of 60x4 and ndarray of 60"


def test_a_changed_number_changes_the_fingerprint() -> None:
    other = X.copy()
    other[3, 2] += 1e-9
    assert opened((other, Y)).fingerprint != opened((X, Y)).fingerprint


def test_images_in_arrays_keep_their_bytes() -> None:
    images = RNG.integers(0, 256, (60, 9, 11, 3), dtype=np.uint8)
    data = opened((images, Y))
    assert data.schema.input.shape == (3, 9, 11)
    read = data.splits["train"].read(np.arange(60))["input"]
    assert (read == images.transpose(0, 3, 1, 2)).all()
    assert data.schema.input.mean == pytest.approx(tuple(images.mean((0, 1, 2)) / 255), rel=1e-12)


def test_defaults_hold_rows_back() -> None:
    data = opened((X, Y), DataConfig())
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 43, "validation": 5, "test": 12}


def test_names_of_outputs() -> None:
    data = opened((X, X[:, :2] * 3), data_config(target=("width", "height"), validation=0, test=0))
    assert data.schema.target.names == ("width", "height")
    assert opened((X, X[:, 0]), data_config(target=("width",))).schema.target.names == ("width",)


def test_splits_in_a_dict_and_in_keras_form() -> None:
    by_name = opened({"train": (X, Y), "val": (X[:9], Y[:9]), "test": (X[:6], Y[:6])}, DataConfig())
    assert {split: len(rows) for split, rows in by_name.splits.items()} == {"train": 60, "validation": 9, "test": 6}
    keras = opened(((X, Y), (X[:6], Y[:6])))
    assert {split: len(rows) for split, rows in keras.splits.items()} == {"train": 60, "test": 6}
    assert keras.splits["test"].describe(2) == "test x row 2"


def test_frames_and_columns_are_tables() -> None:
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": np.array(["u", "v", "w"])[Y]})
    config = data_config(target=("kind",))
    for data in (frame, {name: frame[name].to_numpy() for name in frame}):
        found = opened(data, config)
        assert found.schema.input.kind == "table"
        assert found.schema.target.names == ("u", "v", "w")
    pair = opened((frame[["a", "b"]], frame["kind"]), DataConfig())
    assert pair.schema.target.names == ("u", "v", "w")
    assert [column.source for column in pair.schema.input.columns] == ["a", "b"]


def test_lists_of_images_and_of_paths(tmp_path: Path) -> None:
    pictures = [Image.fromarray(RNG.integers(0, 256, (8, 8 + i % 2, 3), dtype=np.uint8)) for i in range(12)]
    data = opened((pictures, ["cat", "dog"] * 6))
    assert data.schema.input.shape == (3, 8, 8)
    assert data.splits["train"].describe(3) == "train image 3"
    paths = []
    for number, image in enumerate(pictures):
        paths.append(tmp_path / f"{number}.png")
        image.save(paths[-1])
    from_files = opened((paths, ["cat", "dog"] * 6))
    assert (
        from_files.splits["train"].read(np.arange(12))["input"] == data.splits["train"].read(np.arange(12))["input"]
    ).all()
    assert from_files.splits["train"].describe(3) == str(paths[3])


def test_missing_outputs_are_masked() -> None:
    y = np.stack([X[:, 0], np.where(np.arange(60) % 5 == 0, np.nan, X[:, 1])], axis=1)
    data = opened((X, y))
    assert data.schema.target.masked
    batch = data.splits["train"].read(np.array([0, 1]))
    assert batch["mask"].tolist() == [[1, 0], [1, 1]]
    assert "12 are missing and masked" in data.facts[1].why


def test_regression_on_integers() -> None:
    data = opened((X, Y), task="regression")
    assert data.schema.target.kind == "value"
    assert targets_of(data.splits["train"]).shape == (60, 1)


NAN = X.copy()
NAN[7, 1] = np.nan


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X, Y[:50]), "train: 60 inputs, but 50 targets in y; each input needs one"),
        ((NAN, Y), "x row 7 holds nan; replace it by a number or leave the row out"),
        ((X, np.where(np.arange(60) == 5, np.nan, 1.5)), "y row 5 has no target (NaN)"),
        ((X, np.ones(60, int)), "y: the target is 1 in every row; there is nothing to learn"),
        ((X[:0], Y[:0]), "x holds no rows"),
        ((X[:2], np.array([0, 1])), "arrays in memory (2, 4) has 2 training rows, too few to split"),
        (X, "train of type ndarray cannot be trained on; give a path, a name, (inputs, targets)"),
        (17, "train of type int cannot be trained on; give a path"),
        ({"test": (X, Y)}, "there is no train split, only test"),
        (([[1, 2], [3]], [0, 1]), "x: rows differ in length (1 to 2); pad them"),
        ({"train": (X, Y), "test": (X[:, :3], Y)}, "test x has inputs of shape (3,), but train x (4,)"),
        (([Path("nowhere.png")] * 4, [0, 1, 0, 1]), "nowhere.png cannot be read as an image"),
        (([Image.new("L", (4, 4))] * 4, [0, 1]), "train: 4 images, but 2 targets; each needs one"),
    ],
)
def test_refused(data: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        opened(data, DataConfig())
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def split_frames() -> dict[str, Any]:
    draw = np.random.default_rng(0)
    whole = pd.DataFrame(
        {"a": draw.normal(size=90), "b": draw.choice(["x", "y"], 90), "kind": draw.choice(["u", "v"], 90)}
    )
    return {"train": whole[:60], "validation": whole[60:75], "test": whole[75:]}


def test_frames_by_split_are_a_folder_of_tables(tmp_path: Path) -> None:
    frames = split_frames()
    for split, frame in frames.items():
        frame.to_csv(tmp_path / f"{split}.csv", index=False)
    wanted = open_data(tmp_path, data_config(target=("kind",)))
    for data in (
        frames,
        {"train": frames["train"], "val": frames["validation"], "test": frames["test"]},
        {split: frame.to_dict("list") for split, frame in frames.items()},
        {split: (frame[["a", "b"]], frame["kind"]) for split, frame in frames.items()},
    ):
        found = open_data(data, data_config(target=("kind",)))
        assert {split: len(rows) for split, rows in found.splits.items()} == {"train": 60, "validation": 15, "test": 15}
        assert found.schema == wanted.schema
        for split, rows in found.splits.items():
            one, other = (each.read(np.arange(len(rows))) for each in (rows, wanted.splits[split]))
            assert all(np.array_equal(one[field], other[field]) for field in one)


def test_a_split_of_another_name_is_left_out_with_a_warning() -> None:
    frames = split_frames()
    found = open_data({**frames, "holdout": frames["test"]}, data_config(target=("kind",)))
    assert list(found.warnings) == ["left out the split holdout, which is none of train, validation and test"]
    with pytest.raises(DataError, match="there is no train split, only a, b"):
        open_data({"a": frames["train"], "b": frames["test"]}, data_config(target=("kind",)))
    lines = [" ".join(np.random.default_rng(row).choice(list("abcdefgh"), 9)) for row in range(40)]
    text = pd.DataFrame({"text": lines, "kind": ["u", "v"] * 20})
    texts = open_data({"train": text, "test": text[:10]}, data_config(target=("kind",)))
    assert texts.schema.input.kind == "tokens"
    assert len(texts.splits["test"]) == 10


def test_a_series_has_one_table() -> None:
    frames = {"train": pd.DataFrame({"x": range(50)}), "test": pd.DataFrame({"x": range(20)})}
    with pytest.raises(
        DataError, match="a time series is one table, which Sonde splits by time, and there are train, test"
    ):
        open_data(frames, DataConfig(), task="forecasting")
