"""Classes whose rows show nothing."""

from pathlib import Path

import numpy as np
from PIL import Image
from sample_settings import data_config

from sonde.data.alike import alike_classes
from sonde.modalities.open import open_data
from sonde.run.split_checks import checked, copies


def photos(folder: Path, *, black: bool, each: int = 12) -> Path:
    rng = np.random.default_rng(0)
    for name in ("cat", "dog", "fox"):
        (folder / name).mkdir(parents=True)
        for number in range(each):
            pixels = rng.integers(0, 255, (8, 8, 3), np.uint8)
            Image.fromarray(pixels * 0 if black and name == "dog" else pixels).save(folder / name / f"{number}.png")
    return folder


def test_a_class_of_black_images_is_named_and_so_are_its_copies_across_the_splits(tmp_path: Path) -> None:
    dataset = open_data(photos(tmp_path / "photos", black=True), data_config())
    (said,) = alike_classes(dataset, seconds=60)
    assert (said.name, said.where, said.certainty) == ("class-without-content", "class dog", "certain")
    assert "training images of class 'dog' are the same: dog/" in said.evidence
    again = copies(dataset)
    assert {each.name for each in again} == {"test-rows-in-training"}
    assert [each.where for each in again] == [split for split in dataset.splits if split == "test"]
    assert {"class-without-content", "test-rows-in-training"} <= {f.name for f in checked(dataset).findings}


def test_images_of_one_colour_each_are_named_too() -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (90, 8, 8, 3), np.uint8)
    labels = np.arange(90) % 3
    images[labels == 1] = images[labels == 1][:, :1, :1]
    (said,) = alike_classes(open_data((images, labels), data_config()), seconds=60)
    assert "training images of class '1' are of one colour each" in said.evidence


def test_images_that_differ_are_left_alone(tmp_path: Path) -> None:
    dataset = open_data(photos(tmp_path / "photos", black=False), data_config())
    assert alike_classes(dataset, seconds=60) == []
    assert copies(dataset) == []


def test_tables_may_have_one_row_for_a_class() -> None:
    features, labels = np.repeat(np.eye(2, dtype=np.float32), 30, axis=0), np.repeat([0, 1], 30)
    assert alike_classes(open_data((features, labels), data_config()), seconds=60) == []
