"""CVAT's XML: boxes and polygons, subsets, and files that are broken."""

from pathlib import Path

import pytest
from sample_boxes import Drawn, paint
from sample_places import form

from sonde.core.errors import DataError
from sonde.modalities.image.annotations import cvat, voc

read, recognise = form(cvat)

ONE = Drawn("one", objects=(("red", 4, 8, 24, 40),))
IMAGE = '<image id="{}" name="{}" {} width="64" height="48">{}</image>'
BOX = '<box label="red" occluded="0" xtl="4.00" ytl="8.00" xbr="24.00" ybr="40.00" z_order="0"></box>'
POLYGON = '<polygon label="blue" points="1.0,2.0;9.0,3.5;5.0,12.0" z_order="0"></polygon>'


def write(folder: Path, *images: str) -> Path:
    body = "".join(images)
    (folder / "annotations.xml").write_text(f"<annotations><version>1.1</version><meta></meta>{body}</annotations>")
    return folder


def test_boxes_and_the_hull_of_polygons(tmp_path: Path) -> None:
    file = paint(tmp_path / "images", ONE)
    write(tmp_path, IMAGE.format(0, "one.png", "", BOX + POLYGON))
    assert recognise(tmp_path) == "annotations.xml by CVAT"
    assert form(voc)[1](tmp_path) is None
    (image,) = read(tmp_path, None).splits["train"]
    assert (image.file, image.names) == (file, ("red", "blue"))
    assert image.boxes.tolist() == [[4, 8, 24, 40], [1, 2, 9, 12]]


def test_subsets_are_splits(tmp_path: Path) -> None:
    paint(tmp_path, ONE)
    images = [IMAGE.format(0, "one.png", f'subset="{name}"', BOX) for name in ("Train", "Validation", "default")]
    found = read(write(tmp_path, *images), None)
    assert {split: len(images) for split, images in found.splits.items()} == {"train": 2, "validation": 1}


def test_broken_files(tmp_path: Path) -> None:
    write(tmp_path, IMAGE.format(0, "one.png", "", BOX.replace("24.00", "wide")))
    with pytest.raises(DataError, match=r"annotations.xml image 1: xbr is 'wide', which is not a number; fix the file"):
        read(tmp_path, None)
    write(tmp_path, IMAGE.format(0, "one.png", "", BOX.replace('label="red"', "")))
    with pytest.raises(DataError, match=r"annotations.xml image 1 has a box without a label"):
        read(tmp_path, None)
