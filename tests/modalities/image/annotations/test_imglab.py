"""dlib's imglab XML: marks to ignore, missing labels, and how files can be broken."""

from pathlib import Path

import pytest
from sample_boxes import random_images, write_imglab
from sample_places import form

from sonde.core.errors import DataError
from sonde.modalities.image.annotations import imglab
from sonde.modalities.image.annotations.annotated import NAMELESS

read, recognise = form(imglab)


def write(folder: Path, images: str, name: str = "training.xml") -> Path:
    (folder / name).write_text(f"<dataset><images>{images}</images></dataset>", encoding="utf-8")
    return folder


def test_files_names_tell_the_splits(tmp_path: Path):
    write_imglab(tmp_path, {"training": random_images(3), "testing": random_images(2, seed=1)})
    found = read(tmp_path, None)
    assert {split: len(images) for split, images in found.splits.items()} == {"train": 3, "test": 2}
    alone = read(tmp_path / "testing.xml", None)
    assert {split: len(images) for split, images in alone.splits.items()} == {"train": 2}


def test_boxes_marked_to_be_ignored_are_counted_and_nameless_ones_get_a_name(tmp_path: Path):
    box = "<box top='1' left='2' width='3' height='4'/>"
    write(
        tmp_path, f"<image file='a.png'>{box}{box.replace('/>', ' ignore=' + chr(39) + '1' + chr(39) + '/>')}</image>"
    )
    found = read(tmp_path, None)
    assert found.set_aside == {"boxes marked to be ignored": 1}
    assert found.splits["train"][0].names == (NAMELESS,)
    assert found.splits["train"][0].boxes.tolist() == [[2, 1, 5, 5]]


def test_two_files_of_a_split_are_refused(tmp_path: Path):
    write(tmp_path, "")
    write(tmp_path, "", "train.xml")
    with pytest.raises(DataError, match="train.xml and training.xml both hold the train split; keep one"):
        recognise(tmp_path)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ("<image>", "training.xml is not valid XML"),
        ("<image/>", "training.xml image 1 names no file; fix training.xml"),
        (
            "<image file='a.png'><box left='1' width='3' height='4'/></image>",
            "image 1: top is None, which is not a number",
        ),
    ],
)
def test_broken_files_are_named(tmp_path: Path, images: str, message: str):
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, images), None)


def test_a_broken_image_may_be_passed_over(tmp_path: Path):
    skipped: list[str] = []
    found = read(write(tmp_path, "<image/><image file='a.png'/>"), skipped)
    assert len(found.splits["train"]) == 1
    assert skipped == ["training.xml image 1 names no file; fix training.xml"]


def test_other_files_are_not_taken_for_it(tmp_path: Path):
    (tmp_path / "a.xml").write_text("<annotation/>", encoding="utf-8")
    assert recognise(tmp_path) is None
    assert recognise(tmp_path / "a.xml") is None
