"""Boxes of pictures that were turned or resized after they were marked."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_boxes import Drawn, coco_content, paint, write_voc

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.modalities.image.annotations.stated_size import RESIZED, SWAPPED, fitted
from sonde.modalities.image.files import Header, decode, read_header
from sonde.modalities.open import open_data

WHOLE = DataConfig(validation=0, test=0)
ONE = Drawn("one", objects=(("red", 4, 8, 24, 40),))
TWO = Drawn("two", objects=(("blue", 10, 10, 20, 30),))


def write(root: Path, **sizes: int) -> Path:
    """Two images with boxes in COCO's JSON, whose entries say other sizes."""
    for image in (ONE, TWO):
        paint(root / "images", image)
    content = coco_content([ONE, TWO])
    for entry in content["images"]:
        entry.update(sizes)
    (root / "instances.json").write_text(json.dumps(content))
    return root


@pytest.mark.parametrize("orientation", [5, 6, 7, 8])
def test_boxes_are_turned_with_their_picture(orientation: int, tmp_path: Path) -> None:
    stored = np.zeros((10, 20, 3), np.uint8)
    stored[2:8, 3:12] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "a.png", exif=exif)
    header = read_header(tmp_path / "a.png", "a")
    boxes, _ = fitted(np.array([[3.0, 2, 12, 8]]), (10, 20), header, "a")
    (left, top, right, bottom) = boxes[0].astype(int)
    shown = np.asarray(decode(tmp_path / "a.png", "a"))[..., 0]
    assert shown[top:bottom, left:right].min() == 255
    assert (shown == 255).sum() == (bottom - top) * (right - left) == 54


def test_a_resized_picture_has_its_boxes_scaled(tmp_path: Path) -> None:
    data = open_data(write(tmp_path, height=96, width=128), WHOLE)
    assert f"2 {RESIZED[1]}" in data.warnings
    assert data.splits["train"].read(np.array([0]))["target"][0, 0].tolist() == [1, 2, 4, 12, 20]


def test_swapped_sides_are_said(tmp_path: Path) -> None:
    data = open_data(write(tmp_path, height=64, width=48), WHOLE)
    assert f"2 {SWAPPED[1]}" in data.warnings
    assert data.splits["train"].read(np.array([0]))["target"][0, 0].tolist() == [1, 4, 8, 24, 40]


def test_another_shape_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        DataError,
        match=r"instances.json image 10 says 100x100 .*, and the image is 48x64, so the positions .*--skip-unreadable",
    ):
        open_data(write(tmp_path, height=100, width=100), WHOLE)


def test_sizes_that_say_nothing_or_differ_by_one_change_nothing() -> None:
    boxes, header = np.array([[1.0, 2, 3, 4]]), Header(48, 64, 3, False)
    for stated in ((0, 0), (49, 63), (48, 64)):
        assert fitted(boxes, stated, header, "x") == (boxes, None)


@pytest.mark.parametrize(
    ("size", "said"), [((64, 48), [f"1 {SWAPPED[0]}"]), ((0, 0), []), ((96, 128), [f"1 {RESIZED[0]}"])]
)
def test_sizes_in_voc(size: tuple[int, int], said: list[str], tmp_path: Path) -> None:
    file = write_voc(tmp_path, {"train": [ONE]}) / "Annotations" / "one.xml"
    height, width = size
    text = file.read_text().replace("<object>", f"<size><width>{width}</width><height>{height}</height></size><object>")
    file.write_text(text)
    assert open_data(tmp_path, WHOLE).warnings == said
