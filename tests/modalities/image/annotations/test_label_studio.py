"""Label Studio's exports: JSON, JSON-MIN and CSV."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from sample_boxes import Drawn, paint
from sample_places import form

from sonde.core.errors import DataError
from sonde.modalities.image.annotations import label_studio

read, recognise = form(label_studio)

VALUE = {"x": 25, "y": 50, "width": 12.5, "height": 25, "rotation": 0, "rectanglelabels": ["cat"]}
SIZE = {"original_width": 64, "original_height": 48}


def region(value: dict[str, Any], kind: str = "rectanglelabels") -> dict[str, Any]:
    return {"type": kind, "value": value, **SIZE}


def task(image: str, *results: dict[str, Any], cancelled: bool = False) -> dict[str, Any]:
    return {"data": {"image": image}, "annotations": [{"result": list(results), "was_cancelled": cancelled}]}


def write(root: Path, tasks: list[dict[str, Any]]) -> Path:
    for name in ("one", "two"):
        paint(root / "images", Drawn(name))
    (root / "project.json").write_text(json.dumps(tasks))
    return root


def test_boxes_are_per_cent_and_images_are_found_by_what_was_uploaded(tmp_path: Path) -> None:
    local = task("/data/local-files/?d=images%2Ftwo.png")
    write(tmp_path, [task("/data/upload/1/8f2a01bc-one.png", region(VALUE)), local, task("gone.png", cancelled=True)])
    assert recognise(tmp_path) == "project.json by Label Studio"
    found = read(tmp_path, None)
    first, second = found.splits["train"]
    assert found.shares
    assert first.file == tmp_path / "images" / "one.png"
    assert (first.boxes.tolist(), first.names) == ([[0.25, 0.5, 0.375, 0.75]], ("cat",))
    assert (second.file, second.names) == (tmp_path / "images" / "two.png", ())
    assert found.notes == ["1 tasks of project.json have no annotation and are not used"]


def test_turned_boxes_and_outlines_are_the_boxes_around_them(tmp_path: Path) -> None:
    turned = {**VALUE, "rotation": 90}  # 8x12 pixels about 16, 24: 12 wide to the left, 8 high
    outline = {"points": [[0, 0], [50, 10], [25, 100]], "polygonlabels": ["dog"]}
    write(tmp_path, [task("one.png", region(turned), region(outline, "polygonlabels")), task("two.png")])
    found = read(tmp_path, None)
    first = found.splits["train"][0]
    assert first.boxes[0] == pytest.approx([4 / 64, 24 / 48, 16 / 64, 32 / 48])
    assert (first.boxes[1].tolist(), first.names) == ([0, 0, 0.5, 1], ("cat", "dog"))
    assert "outlines of objects are learned as the boxes around them" in found.notes


@pytest.mark.parametrize("suffix", [".json", ".csv"])
def test_short_exports(suffix: str, tmp_path: Path) -> None:
    write(tmp_path, [])
    rows = [
        {"image": f"/data/upload/1/8f2a01bc-{n}.png", "label": [{**VALUE, **SIZE}], "annotator": 1}
        for n in ("one", "two")
    ]
    (tmp_path / "project.json").unlink()
    if suffix == ".json":
        (tmp_path / "min.json").write_text(json.dumps(rows))
    else:
        with (tmp_path / "min.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(rows[0])
            table.writerows([row["image"], json.dumps(row["label"]), 1] for row in rows)
    (first, _) = read(tmp_path, None).splits["train"]
    assert (first.file.name, first.boxes.tolist(), first.names) == ("one.png", [[0.25, 0.5, 0.375, 0.75]], ("cat",))


def test_masks_of_a_brush_are_refused_with_the_export_to_choose(tmp_path: Path) -> None:
    write(tmp_path, [task("one.png", region({"rle": [0, 1], "brushlabels": ["cat"]}, "brushlabels"))])
    with pytest.raises(
        DataError, match=r"project.json holds masks of a brush; export the project as 'Brush labels to PNG'"
    ):
        read(tmp_path, None)


def test_tasks_of_texts_are_no_images(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"text": "hello", "sentiment": "good", "annotator": 1}]))
    assert recognise(tmp_path) is None


def test_an_entry_that_is_not_as_written(tmp_path: Path) -> None:
    write(tmp_path, [task("one.png", region({"x": 1, "rectanglelabels": ["cat"]}))])
    with pytest.raises(
        DataError, match=r"project.json task 1 is not as Label Studio writes it \(no 'y'\); export it again"
    ):
        read(tmp_path, None)
