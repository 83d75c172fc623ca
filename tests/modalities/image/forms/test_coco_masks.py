"""COCO's JSON as masks: what is drawn, and what is wrong with some files."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.modalities.open import open_data, open_like

WHOLE = DataConfig(validation=0, test=0)


def content(**changes: Any) -> dict[str, Any]:
    """Two images: a box of class dog in the first, runs of class cat in the second."""
    found: dict[str, Any] = {
        "images": [{"id": n, "file_name": f"{n}.png", "height": 8, "width": 10} for n in (3, 5)],
        "categories": [{"id": 7, "name": "cat"}, {"id": 9, "name": "dog"}],
        "annotations": [
            {"id": 1, "image_id": 3, "category_id": 9, "bbox": [2, 1, 4, 3], "segmentation": [[2, 1, 6, 1, 6, 4, 2, 4]]},
            {
                "id": 2, "image_id": 5, "category_id": 7, "bbox": [0, 0, 1, 8], "iscrowd": 0,
                "segmentation": {"size": [8, 10], "counts": [0, 8, 72]},
            },
        ],
    }  # fmt: skip
    return found | changes


def write(root: Path, found: dict[str, Any]) -> Path:
    (root / "images").mkdir(parents=True, exist_ok=True)
    for entry in found["images"]:
        Image.new("RGB", (10, 8), (entry["id"], 0, 0)).save(root / "images" / entry["file_name"])
    (root / "annotations.json").write_text(json.dumps(found))
    return root


def test_outlines_become_classes_and_objects(tmp_path: Path) -> None:
    data = open_data(write(tmp_path, content()), WHOLE, task="segmentation")
    assert data.schema.target.kind == "mask"
    assert data.schema.target.names == ("background", "cat", "dog")
    row = data.splits["train"].read(np.array([0, 1]))
    expected: np.ndarray = np.zeros((2, 8, 10), np.uint8)
    expected[0, 1:4, 2:6], expected[1, :, 0] = 2, 1
    assert row["target"].tolist() == expected.tolist()
    assert (row["objects"] > 0).tolist() == (expected > 0).tolist()
    assert row["input"][:, 0, 0, 0].tolist() == [3, 5]
    again = open_like(tmp_path, data.schema, WHOLE)
    assert again.splits["test"].read(np.array([0, 1]))["target"].tolist() == expected.tolist()


def test_without_the_task_boxes_are_what_such_files_are_for(tmp_path: Path) -> None:
    assert open_data(write(tmp_path, content()), WHOLE).schema.target.kind == "boxes"


def polygon(*numbers: float) -> list[dict[str, Any]]:
    return [{"id": 1, "image_id": 3, "category_id": 9, "bbox": [0, 0, 1, 1], "segmentation": [list(numbers)]}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"annotations": polygon(1, 1, 4, 4)},
            "annotations.json annotation 1 has a polygon of 2 points; a polygon needs at least three",
        ),
        (
            {"annotations": [{"id": 4, "image_id": 6, "category_id": 9}]},
            "annotations.json: annotation 4 is of image 6, which is not in its images",
        ),
        (
            {"annotations": [{"id": 4, "image_id": 3, "category_id": 8}]},
            "annotations.json: annotation 4 has category 8, which is not in its categories",
        ),
        (
            {
                "images": [{"id": 3, "file_name": "3.png", "height": 9, "width": 10}],
                "annotations": polygon(1, 1, 4, 4, 1, 4),
            },
            "annotations.json image 3 is 9x10 and its image images/3.png is 8x10; a mask must have the size of its image",
        ),
        (
            {"images": [{"id": 3, "file_name": "3.png"}], "annotations": []},
            "annotations.json image 3: an entry has the height None; it must be an integer",
        ),
    ],
)
def test_mistakes_are_named(changes: dict[str, Any], message: str, tmp_path: Path) -> None:
    write(tmp_path, content(**changes))
    with pytest.raises(DataError, match=message):
        open_data(tmp_path, WHOLE, task="segmentation")


def test_an_image_that_is_not_there_is_named_or_counted(tmp_path: Path) -> None:
    write(tmp_path, content())
    (tmp_path / "images" / "5.png").unlink()
    with pytest.raises(DataError, match=r"5.png cannot be read as an image"):
        open_data(tmp_path, WHOLE, task="segmentation")
    data = open_data(tmp_path, DataConfig(validation=0, test=0, skip_unreadable=True), task="segmentation")
    assert len(data.splits["train"]) == 1
    assert data.warnings[0] == "train: 1 unreadable images or masks skipped: images/5.png"


def test_json_that_breaks_off(tmp_path: Path) -> None:
    write(tmp_path, content())
    (tmp_path / "annotations.json").write_text(json.dumps(content())[:-9])
    with pytest.raises(DataError, match=r"annotations.json is not valid JSON"):
        open_data(tmp_path, WHOLE, task="segmentation")
