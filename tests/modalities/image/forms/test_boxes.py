"""Images with boxes in each form on disk: the same rectangles come out, and each way to be broken has its one line."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sample_boxes import NAMES, Drawn, random_images, write_coco, write_imglab, write_voc, write_yolo
from sample_places import at
from sample_settings import data_config

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.core.letterbox import GREY
from sonde.data.splits import targets_of
from sonde.modalities.image.forms import boxes
from sonde.modalities.open import open_data, open_like

recognise = at(boxes.recognise)

WRITERS: dict[str, Callable[..., Path]] = {
    "Pascal VOC": write_voc,
    "COCO JSON": write_coco,
    "YOLO text files": write_yolo,
    "imglab XML": write_imglab,
}
OBJECT = Drawn("one", objects=(("red", 4, 8, 24, 40),))


def objects(data: Dataset, split: str, row: int) -> list[list[float]]:
    """Class and box of what is marked, in stored pixels."""
    return [entry for entry in targets_of(data.splits[split])[row].tolist() if entry[0] >= 0]


@pytest.mark.parametrize("form", WRITERS)
def test_each_form_gives_the_same_images_and_boxes(tmp_path: Path, form: str):
    images = random_images(12)
    splits = {"train": images[:7], "validation": images[7:9], "test": images[9:]}
    data = open_data(WRITERS[form](tmp_path / "cells", splits), DataConfig())
    assert data.form == form
    assert data.schema.target.kind == "boxes"
    assert data.schema.target.names == NAMES
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 7, "validation": 2, "test": 3}
    assert data.schema.input.shape == (3, 64, 64)
    assert not data.warnings
    for split, members in splits.items():
        for row, image in enumerate(members):
            expected = [[NAMES.index(name), *box] for name, *box in image.objects]
            assert np.allclose(objects(data, split, row), expected, atol=1e-3)
            picture = data.splits[split].read(np.array([row]))["input"][0]
            for kind, left, top, right, bottom in objects(data, split, row):
                inside = picture[:, round(top) : round(bottom), round(left) : round(right)]
                assert (inside.argmax(0) == (2 if NAMES[int(kind)] == "blue" else 0)).all()
            assert (picture[:, 48:] == GREY).all()  # 48x64 in 64x64


def test_is_recognised_before_class_folders_and_tables(tmp_path: Path):
    write_yolo(tmp_path, {"train": random_images(3)})
    assert recognise(tmp_path) == "text files of boxes in labels"
    data = open_data(tmp_path, DataConfig(validation=0.0, test=0.0))
    assert data.form == "YOLO text files"


def test_splits_are_held_back_where_there_are_none(tmp_path: Path):
    data = open_data(write_voc(tmp_path, {"train": random_images(20)}), DataConfig(label_fraction=0.5))
    assert {split: len(rows) for split, rows in data.splits.items()} == {"train": 7, "validation": 2, "test": 4}
    again = open_data(tmp_path, DataConfig(label_fraction=0.5))
    assert [data.splits["test"].describe(i) for i in range(4)] == [again.splits["test"].describe(i) for i in range(4)]
    assert data.fingerprint == again.fingerprint


def test_boxes_are_scaled_with_their_image(tmp_path: Path):
    big = Drawn("big", 480, 640, (("red", 100, 50, 300, 450),))
    tall = Drawn("tall", 640, 480, (("blue", 0, 0, 480, 640),))
    data = open_data(write_voc(tmp_path, {"train": [big, tall, OBJECT]}), DataConfig(validation=0, test=0))
    height, width = data.schema.input.shape[1:]
    assert max(height, width) == 320
    assert height % 32 == width % 32 == 0
    scale = min(height / 480, width / 640)
    assert objects(data, "train", 0)[0][1:] == pytest.approx(
        [100 * scale, 50 * scale, 300 * scale, 450 * scale], abs=0.5
    )
    inner = 480 * min(height / 640, width / 480)
    assert objects(data, "train", 2)[0][1:] == pytest.approx([0, 0, inner, inner * 4 / 3], abs=1)


def test_image_size_is_the_longer_side(tmp_path: Path):
    images = [Drawn(f"i{n}", 480, 640, (("red", 100, 100, 300, 300),)) for n in range(3)]
    data = open_data(write_voc(tmp_path, {"train": images}), data_config(validation=0, test=0, image_size=128))
    assert data.schema.input.shape == (3, 96, 128)


def test_odd_boxes_are_left_out_or_cut_and_counted(tmp_path: Path):
    odd = Drawn(
        "odd",
        objects=(
            ("red", 10, 10, 10, 10),  # no area
            ("red", 70, 10, 90, 20),  # outside
            ("red", -8, 10, 20, 30),  # reaches beyond
            ("blue", 30, 10, 50, 30),
        ),
    )
    empty = Drawn("empty")
    data = open_data(write_voc(tmp_path, {"train": [odd, empty, OBJECT]}), DataConfig(validation=0, test=0))
    assert [entry[1:] for entry in objects(data, "train", 1)] == [[0, 10, 20, 30], [30, 10, 50, 30]]
    assert sorted(data.warnings) == [
        "1 box clipped to its image",
        "1 box of zero area dropped",
        "1 box outside its image dropped",
    ]
    assert "1 image shows no object" in [fact.what for fact in data.facts]
    assert objects(data, "train", 0) == []


def test_an_image_that_is_not_there_is_named_or_passed_over(tmp_path: Path):
    write_voc(tmp_path, {"train": random_images(5)})
    (tmp_path / "JPEGImages" / "image2.png").unlink()
    with pytest.raises(
        DataError, match=r"image2.xml is of .*image2.png, which does not exist; add it, or skip such files"
    ):
        open_data(tmp_path, DataConfig())
    data = open_data(tmp_path, DataConfig(skip_unreadable=True, validation=0, test=0))
    assert len(data.splits["train"]) == 4
    assert data.warnings[0].startswith("1 unreadable image or annotation skipped: Annotations/image2.xml")


def test_a_broken_image_is_passed_over_where_asked(tmp_path: Path):
    write_voc(tmp_path, {"train": random_images(5)})
    (tmp_path / "JPEGImages" / "image1.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"image1.png cannot be read as an image"):
        open_data(tmp_path, DataConfig())
    data = open_data(tmp_path, DataConfig(skip_unreadable=True, validation=0, test=0))
    assert [data.splits["train"].describe(row) for row in range(4)] == [
        f"JPEGImages/image{n}.png" for n in (0, 2, 3, 4)
    ]


def test_all_images_broken_is_no_split(tmp_path: Path):
    write_voc(tmp_path, {"train": [OBJECT]})
    (tmp_path / "JPEGImages" / "one.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match="the train split holds no images that can be read"):
        open_data(tmp_path, DataConfig(skip_unreadable=True))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([Drawn("a"), Drawn("b"), Drawn("c")], "has no boxes in any image; there is nothing to learn"),
        ([OBJECT], "has 1 training images, too few to split; add more"),
    ],
)
def test_too_little_to_learn_from(tmp_path: Path, images: list[Drawn], message: str):
    with pytest.raises(DataError, match=message):
        open_data(write_voc(tmp_path, {"train": images}), DataConfig())


def test_a_class_that_only_test_has_is_said(tmp_path: Path):
    blue = Drawn("blue", objects=(("blue", 4, 4, 20, 20),))
    data = open_data(write_voc(tmp_path, {"train": [OBJECT], "validation": [blue]}), DataConfig(test=0))
    assert data.warnings == ["no training image shows the class blue"]


def test_judging_reads_by_the_models_schema(tmp_path: Path):
    data = open_data(write_voc(tmp_path / "a", {"train": random_images(8)}), DataConfig())
    other = Drawn("other", 96, 128, (("red", 8, 16, 48, 80),))
    alike = open_like(write_coco(tmp_path / "b", {"train": [other]}), data.schema, DataConfig())
    assert list(alike.splits) == ["test"]
    assert objects(alike, "test", 0) == [[1, 4, 8, 24, 40]]
    strange = tmp_path / "c"
    write_voc(strange, {"train": [OBJECT]})
    text = (strange / "Annotations" / "one.xml").read_text(encoding="utf-8")
    (strange / "Annotations" / "one.xml").write_text(text.replace("red", "green"), encoding="utf-8")
    with pytest.raises(
        DataError, match=r"one.xml has an object 'green', a class the model was not trained on; there are blue, red"
    ):
        open_like(strange, data.schema, DataConfig())


def test_blood_cells_are_as_their_readme_counts_them(shared_data: Path):
    data = open_data(shared_data / "bccd", DataConfig())
    counts = {
        split: np.bincount(targets_of(rows)[..., 0][targets_of(rows)[..., 0] >= 0].astype(int))
        for split, rows in data.splits.items()
    }
    assert data.schema.target.names == ("Platelets", "RBC", "WBC")
    assert {split: found.tolist() for split, found in counts.items()} == {
        "train": [113, 1296, 115],
        "validation": [39, 481, 44],  # one of 482 has no area
        "test": [37, 495, 41],
    }
    assert data.warnings == ["1 box of zero area dropped"]


def test_faces_are_read_from_imglab(shared_data: Path):
    data = open_data(shared_data / "faces_dlib", DataConfig(validation=0))
    assert data.schema.target.names == ("object",)
    assert [int((targets_of(rows)[..., 0] >= 0).sum()) for rows in data.splits.values()] == [18, 25]
