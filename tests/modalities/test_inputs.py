"""What is asked of a trained model, in every shape a person may give it."""

import gzip
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from sample_settings import data_config
from sklearn.datasets import load_digits

from sonde.core.config import DataConfig
from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.modalities.inputs import rows_for
from sonde.modalities.open import open_data

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (12, 3, 6, 8), dtype=np.uint8)
CLASSES = TargetSpec(kind="class", names=("a", "b", "c"))
COLOUR = Schema(input=InputSpec(kind="image", shape=(3, 6, 8), mean=(0.5,) * 3, std=(0.2,) * 3), target=CLASSES)
GREY = Schema(input=InputSpec(kind="image", shape=(1, 6, 8), mean=(0.5,), std=(0.2,)), target=CLASSES)


def picture(index: int) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(PIXELS[index].transpose(1, 2, 0)))


def pixels(inputs: Any, schema: Schema = COLOUR) -> np.ndarray:
    rows, names = rows_for(inputs, schema)
    assert len(rows) == len(names)
    batch = rows.read(np.arange(len(rows)))
    assert list(batch) == ["input"]
    assert batch["input"].dtype == np.uint8
    return batch["input"]


def saved(folder: Path, count: int = 12) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        picture(index).save(folder / f"{index}.png")
    return folder


@pytest.mark.parametrize(
    "given",
    [
        PIXELS,
        PIXELS.transpose(0, 2, 3, 1),
        torch.tensor(PIXELS),
        torch.tensor(PIXELS) / 255,
        PIXELS / 255.0,
        [picture(i) for i in range(12)],
        list(PIXELS),
        list(PIXELS.transpose(0, 2, 3, 1)),
    ],
    ids=["chw", "hwc", "tensor", "unit tensor", "unit array", "pictures", "list of chw", "list of hwc"],
)
def test_many_images(given: Any) -> None:
    assert (pixels(given) == PIXELS).all()


@pytest.mark.parametrize("given", [picture(3), PIXELS[3], PIXELS[3].transpose(1, 2, 0), [picture(3)]])
def test_one_image(given: Any) -> None:
    assert (pixels(given) == PIXELS[3:4]).all()


def test_grey_images_are_told_from_channels() -> None:
    grey = PIXELS[:, 0]
    assert (pixels(grey, GREY)[:, 0] == grey).all()
    assert (pixels(grey[:3], GREY)[:, 0] == grey[:3]).all()  # three images, not one in colour
    assert (pixels(grey[4], GREY)[0, 0] == grey[4]).all()
    assert (pixels(grey[4])[0] == np.stack([grey[4]] * 3)).all()


def test_files_folders_and_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = saved(tmp_path / "photos")
    assert (pixels(folder / "5.png") == PIXELS[5:6]).all()
    assert (pixels([str(folder / "5.png"), folder / "2.png"]) == PIXELS[[5, 2]]).all()
    assert (pixels(folder) == PIXELS).all()  # 0, 1, 2, …, 10, 11
    assert (pixels(str(folder / "1*.png")) == PIXELS[[1, 10, 11]]).all()
    monkeypatch.chdir(tmp_path)
    assert rows_for(["photos/3.png"], COLOUR)[1] == ["photos/3.png"]
    assert rows_for("photos", COLOUR)[1][10] == "photos/10.png"
    assert rows_for([picture(0), PIXELS[1]], COLOUR)[1] == ["image 0", "image 1"]


def test_other_sizes_are_resized_and_16_bit_files_scaled(tmp_path: Path) -> None:
    Image.new("RGB", (80, 60), (10, 20, 30)).save(tmp_path / "big.png")
    assert (pixels(tmp_path / "big.png")[0] == np.array([10, 20, 30])[:, None, None]).all()
    Image.fromarray(np.full((60, 80), 257 * 9, np.uint16)).save(tmp_path / "deep.png")
    assert (pixels(tmp_path / "deep.png", GREY) == 9).all()
    assert pixels(np.zeros((2, 30, 40, 3), np.uint8)).shape == (2, 3, 6, 8)


def test_data_that_can_be_trained_on_is_taken_without_its_targets(tmp_path: Path) -> None:
    head = struct.pack(">HBB3I", 0, 8, 3, 12, 6, 8)
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + PIXELS[:, 0].tobytes()))
    labels = struct.pack(">HBB1I", 0, 8, 1, 12) + bytes(i % 3 for i in range(12))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(labels))
    schema = Schema(input=GREY.input, target=TargetSpec(kind="class", names=("0", "1", "2")))
    rows, names = rows_for(tmp_path, schema)
    assert (rows.read(np.arange(12))["input"][:, 0] == PIXELS[:, 0]).all()
    assert names[3] == "t10k-images-idx3-ubyte.gz row 3"
    np.save(tmp_path / "x.npy", PIXELS)
    assert (pixels(tmp_path / "x.npy") == PIXELS).all()


def test_digits_by_name() -> None:
    schema = open_data("digits", DataConfig()).schema
    rows, names = rows_for(["digits"], schema)
    assert len(rows) == 1797
    assert names[0] == "digits row 0"


def test_arrays_are_read_on_the_scale_of_training() -> None:
    """A dark image of 0..255, and a digit of 0..16 as scikit-learn gives them, look like 0..1 and 0..255 alone."""
    x = PIXELS.astype(np.float32)
    schema = open_data((x, np.arange(12) % 3), DataConfig(validation=0, test=0)).schema
    assert schema.input.scale == 1
    assert pixels(np.ones((3, 6, 8), np.float32), schema).max() == 1
    unit = open_data((x / 255, np.arange(12) % 3), DataConfig(validation=0, test=0)).schema
    assert unit.input.scale == 255
    assert pixels(np.ones((3, 6, 8), np.float32), unit).min() == 255
    assert pixels(PIXELS[0], unit).max() == PIXELS[0].max()  # bytes are bytes
    digits = open_data("digits", DataConfig())
    reference: Any = load_digits()
    expected = open_data("digits", DataConfig(validation=0, test=0)).splits["train"].read(np.arange(5))["input"]
    assert (pixels(reference.images[:5], digits.schema) == expected).all()
    assert (pixels(reference.images[3], digits.schema) == expected[3]).all()


def test_rows_of_numbers_are_standardised_as_in_training(tmp_path: Path) -> None:
    x = RNG.normal(5, 3, (40, 4))
    data = open_data((x, np.arange(40) % 2), DataConfig(validation=0, test=0))
    expected = data.splits["train"].read(np.arange(40))["input"]
    np.save(tmp_path / "x.npy", x)
    for given in (x, torch.tensor(x), x.tolist(), pd.DataFrame(x), tmp_path / "x.npy", [row for row in x]):
        rows, names = rows_for(given, data.schema)
        assert (rows.read(np.arange(40))["input"] == expected).all()
        assert names[7] == "row 7"
    one, _ = rows_for(x[7], data.schema)
    assert (one.read(np.array([0]))["input"] == expected[7]).all()


def test_tables_go_to_the_tables() -> None:
    frame = pd.DataFrame({"a": RNG.normal(size=40), "kind": ["u", "v"] * 20})
    data = open_data(frame, data_config(target=("kind",), validation=0, test=0))
    rows, names = rows_for(frame[["a"]], data.schema)
    assert (rows.read(np.arange(40))["input"] == data.splits["train"].read(np.arange(40))["input"]).all()
    assert len(names) == 40


def test_rows_of_a_table_as_dicts() -> None:
    frame = pd.DataFrame({"a": RNG.normal(size=40), "b": ["x", "y"] * 20, "kind": ["u", "v"] * 20})
    data = open_data(frame, data_config(target=("kind",), validation=0, test=0))
    expected = rows_for(frame, data.schema)[0].read(np.arange(40))["input"]
    records: Any = frame.to_dict("records")
    rows, names = rows_for(records, data.schema)
    assert (rows.read(np.arange(40))["input"] == expected).all()
    assert names[:2] == ["table row 0", "table row 1"]
    one, _ = rows_for(records[7], data.schema)
    assert (one.read(np.array([0]))["input"] == expected[7]).all()
    gap, _ = rows_for([{"a": 1.0}, {"b": "x"}], data.schema)  # what a row does not have is missing
    assert len(gap) == 2


@pytest.mark.parametrize("given", [np.zeros((2, 2)), 3, [1, 2], torch.zeros(2, 2)])
def test_what_is_no_table_is_refused(given: Any) -> None:
    frame = pd.DataFrame({"a": RNG.normal(size=40), "kind": ["u", "v"] * 20})
    schema = open_data(frame, data_config(target=("kind",), validation=0, test=0)).schema
    with pytest.raises(
        DataError, match="the model takes rows of a table, and the input is of type .*; give a file, a data"
    ):
        rows_for(given, schema)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "there is nothing to predict on: the list is empty"),
        (17, "input 0 of type int is not an image; give paths, folders, Pillow's images or arrays"),
        (np.zeros(5, np.uint8), "the input of shape (5,) is not an image"),
        ("nowhere/cat.png", "nowhere/cat.png: no such file or folder, nor a dataset's name; nowhere does not exist"),
        ("nowhere/*.png", "nowhere/*.png matches no file"),
        (np.full((6, 8, 3), np.nan), "the input row 0 holds nan"),
        (RNG.normal(size=(6, 8, 3)), "the input of shape (1, 6, 8, 3) does not hold images"),
    ],
)
def test_refused(given: Any, message: str) -> None:
    with pytest.raises(DataError) as caught:
        rows_for(given, COLOUR)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_files_that_are_no_images(tmp_path: Path) -> None:
    (tmp_path / "cat.png").write_bytes(b"oops")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"cat.png cannot be read as an image \(unknown image format"):
        rows_for(tmp_path / "cat.png", COLOUR)
    with pytest.raises(DataError, match="empty holds no images to predict on"):
        rows_for(tmp_path / "empty", COLOUR)
