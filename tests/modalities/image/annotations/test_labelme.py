"""LabelMe's JSON files as boxes and as masks."""

import json
from pathlib import Path

import numpy as np
import pytest
from sample_boxes import Drawn, paint
from sample_places import form

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.modalities.image.annotations import labelme
from sonde.modalities.open import open_data

read, recognise = form(labelme)

SHAPES = [
    {"label": "cat", "points": [[4, 8], [24, 8], [24, 40], [4, 40]], "shape_type": "polygon"},
    {"label": "dog", "points": [[60, 30], [40, 20]], "shape_type": "rectangle"},
    {"label": "eye", "points": [[50, 10], [53, 14]], "shape_type": "circle"},
    {"label": "tip", "points": [[1, 1]], "shape_type": "point"},
]


def write(root: Path, picture: str = "{}.png", notes: str = ".") -> Path:
    for name in ("one", "two"):
        paint(root / "images", Drawn(name))
        content = {"shapes": SHAPES, "imagePath": picture.format(name), "imageHeight": 48, "imageWidth": 64}
        (root / notes).mkdir(exist_ok=True)
        (root / notes / f"{name}.json").write_text(json.dumps(content))
    return root


@pytest.mark.parametrize(("picture", "notes"), [("{}.png", "images"), ("..\\images\\{}.png", "annotations")])
def test_boxes_around_shapes(picture: str, notes: str, tmp_path: Path) -> None:
    assert recognise(write(tmp_path, picture, notes)) == "2 JSON files by LabelMe"
    found = read(tmp_path, None)
    first = found.splits["train"][0]
    assert (first.file, first.names) == (tmp_path / "images" / "one.png", ("cat", "dog", "eye"))
    assert first.boxes.tolist() == [[4, 8, 24, 40], [40, 20, 60, 30], [45, 5, 55, 15]]
    assert found.set_aside == {"shapes of kind point": 2}
    assert found.notes == [
        "outlines of objects are learned as the boxes around them; --task segmentation learns the outlines"
    ]


def test_masks_of_the_same_shapes(tmp_path: Path) -> None:
    data = open_data(write(tmp_path, notes="images"), DataConfig(validation=0, test=0), task="segmentation")
    assert data.schema.target.names == ("background", "cat", "dog", "eye")
    mask = data.splits["train"].read(np.array([0]))["target"][0]
    assert [int((mask == number).sum()) for number in range(4)] == [48 * 64 - 640 - 200 - 100, 640, 200, 100]
    assert (mask[8:40, 4:24] == 1).all()


def test_a_file_that_is_not_as_written(tmp_path: Path) -> None:
    file = write(tmp_path, notes="images") / "images" / "two.json"
    file.write_text(json.dumps({"shapes": [{"label": "cat"}], "imagePath": "two.png"}))
    with pytest.raises(DataError, match=r"two.json is not as LabelMe writes it \(no 'points'\); export it again"):
        read(tmp_path, None)
