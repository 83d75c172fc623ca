"""Supervisely's projects."""

import json
from pathlib import Path
from typing import Any

import pytest
from sample_boxes import Drawn, paint
from sample_places import form

from sonde.core.errors import DataError
from sonde.modalities.image.annotations import supervisely

read, recognise = form(supervisely)

RECT = {"classTitle": "cat", "geometryType": "rectangle", "points": {"exterior": [[24, 40], [4, 8]], "interior": []}}
POLYGON = {"classTitle": "dog", "geometryType": "polygon", "points": {"exterior": [[1, 2], [9, 3], [5, 12]]}}


def write(root: Path, *objects: dict[str, Any]) -> Path:
    for name in ("train", "val"):
        file = paint(root / name / "img", Drawn("one"))
        notes = root / name / "ann" / f"{file.name}.json"
        notes.parent.mkdir()
        notes.write_text(json.dumps({"size": {"height": 48, "width": 64}, "objects": objects}))
    (root / "meta.json").write_text("{}")
    return root


def test_rectangles_and_polygons_of_each_data_set(tmp_path: Path) -> None:
    write(tmp_path, RECT, POLYGON, {"classTitle": "x", "geometryType": "point"})
    assert recognise(tmp_path) == "img/ beside ann/ in train, val, by Supervisely"
    found = read(tmp_path, None)
    assert list(found.splits) == ["train", "validation"]
    (one,) = found.splits["train"]
    assert (one.file, one.names) == (tmp_path / "train" / "img" / "one.png", ("cat", "dog"))
    assert one.boxes.tolist() == [[4, 8, 24, 40], [1, 2, 9, 12]]
    assert found.set_aside == {"objects of kind point": 2}


def test_masks_are_refused_with_the_export_to_choose(tmp_path: Path) -> None:
    write(tmp_path, {"classTitle": "x", "geometryType": "bitmap", "bitmap": {"origin": [0, 0], "data": ""}})
    with pytest.raises(DataError, match=r"train/ann/one.png.json holds masks; export the project as COCO"):
        read(tmp_path, None)
