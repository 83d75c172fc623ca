"""VIA's regions: JSON, a project, CSV, a file a split."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from sample_boxes import Drawn, paint
from sample_places import form

from sonde.core.errors import DataError
from sonde.modalities.image.annotations import via

read, recognise = form(via)

RECT = {"name": "rect", "x": 4, "y": 8, "width": 20, "height": 32}
POLYGON = {"name": "polygon", "all_points_x": [1, 9, 5], "all_points_y": [2, 3, 12]}


def entries(*regions: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    found = [{"shape_attributes": shape, "region_attributes": attributes} for shape, attributes in regions]
    return {"one.png99": {"filename": "one.png", "size": 99, "regions": found, "file_attributes": {}}}


@pytest.mark.parametrize("project", [False, True])
def test_regions_and_the_attribute_that_is_their_class(project: bool, tmp_path: Path) -> None:
    paint(tmp_path, Drawn("one"))
    found = entries(
        (RECT, {"quality": "good", "class": "cat"}), (POLYGON, {"class": {"dog": True}}), ({"name": "point"}, {})
    )
    content = {"_via_settings": {}, "_via_img_metadata": found} if project else found
    (tmp_path / "via.json").write_text(json.dumps(content))
    assert recognise(tmp_path) == "via.json by VIA"
    said = read(tmp_path, None)
    (image,) = said.splits["train"]
    assert (image.file, image.names) == (tmp_path / "one.png", ("cat", "dog"))
    assert image.boxes.tolist() == [[4, 8, 24, 40], [1, 2, 9, 12]]
    assert said.set_aside == {"points and lines": 1}
    assert said.why == "via.json, classes by 'class'"


def test_a_table_of_regions(tmp_path: Path) -> None:
    paint(tmp_path, Drawn("one"))
    with (tmp_path / "via.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["filename", "file_size", "file_attributes", "region_count", "region_id"]
                       + ["region_shape_attributes", "region_attributes"])  # fmt: skip
        table.writerow(["one.png", 99, "{}", 1, 0, json.dumps(RECT), json.dumps({"type": "cat"})])
    (image,) = read(tmp_path, None).splits["train"]
    assert (image.boxes.tolist(), image.names) == ([[4, 8, 24, 40]], ("cat",))


def test_a_file_in_the_folder_of_each_split(tmp_path: Path) -> None:
    for split in ("train", "val"):
        paint(tmp_path / split, Drawn("one"))
        content = entries((POLYGON, {}))
        content["one.png99"]["regions"] = {"0": content["one.png99"]["regions"][0]}  # of the first version
        (tmp_path / split / "via_region_data.json").write_text(json.dumps(content))
    found = read(tmp_path, None)
    assert list(found.splits) == ["train", "validation"]
    assert found.splits["validation"][0].file == tmp_path / "val" / "one.png"
    assert found.splits["validation"][0].names == ("object",)


def test_a_region_without_a_side(tmp_path: Path) -> None:
    paint(tmp_path, Drawn("one"))
    (tmp_path / "via.json").write_text(json.dumps(entries(({"name": "rect", "x": 4}, {}))))
    with pytest.raises(DataError, match=r"via.json one.png is not as VIA writes it \(no 'y'\)"):
        read(tmp_path, None)
