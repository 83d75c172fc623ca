"""COCO's JSON: where it and its images stand, crowds, unused categories, and how files contradict themselves."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sample_boxes import Drawn, coco_content, paint, random_images, write_coco
from sample_places import form

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.modalities.image.annotations import coco
from sonde.modalities.open import open_data

read, recognise = form(coco)

ONE = Drawn("one", objects=(("red", 4, 8, 24, 40),))


def write(folder: Path, content: Any, name: str = "annotations.json") -> Path:
    (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return folder


def test_cocos_own_folder_with_captions_beside(tmp_path: Path):
    write_coco(tmp_path, {"train2017": random_images(3), "val2017": [ONE]})
    other = coco_content([ONE])
    write(tmp_path / "annotations", other, "captions_train2017.json")
    found = read(tmp_path, None)
    assert found.why == "annotations/instances_train2017.json, annotations/instances_val2017.json"
    assert {split: len(images) for split, images in found.splits.items()} == {"train": 3, "validation": 1}
    assert all(image.file.is_file() for images in found.splits.values() for image in images)
    assert found.splits["validation"][0].boxes.tolist() == [[4, 8, 24, 40]]


def test_a_file_in_each_split_folder_or_alone(tmp_path: Path):
    for split in ("train", "valid"):
        paint(tmp_path / split, ONE)
        write(tmp_path / split, coco_content([ONE]), "_annotations.coco.json")
    assert set(read(tmp_path, None).splits) == {"train", "validation"}
    alone = read(tmp_path / "train" / "_annotations.coco.json", None)
    assert alone.splits["train"][0].file == tmp_path / "train" / "one.png"


def test_crowds_are_set_aside_and_categories_without_boxes_left_out(tmp_path: Path):
    content = coco_content([ONE], names=("ghost", "red"))
    content["annotations"].append({**content["annotations"][0], "id": 9, "iscrowd": 1})
    paint(tmp_path, ONE)
    found = read(write(tmp_path, content), None)
    assert found.set_aside == {"crowds": 1}
    assert found.names == ("red",)
    assert found.notes == ["1 categories have no boxes and are dropped: ghost"]


def broken(change: Any) -> dict[str, Any]:
    content: dict[str, Any] = coco_content([ONE])
    change(content)
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{"images": [{"file_name": "a"}], "categories": [',
            r"annotations.json is not valid JSON \(.*line 1.*\); fix the file",
        ),
        (
            broken(lambda c: c.pop("annotations")),
            "has no list 'annotations'; a COCO file has images, annotations, categories",
        ),
        (
            broken(lambda c: c["annotations"][0].update(image_id=77)),
            "annotation 0 is of image 77, which is not in its images",
        ),
        (
            broken(lambda c: c["annotations"][0].update(category_id=8)),
            "annotation 0 has category 8, which is not in its categories",
        ),
        (
            broken(lambda c: c["annotations"][0].update(bbox=[1, 2])),
            r"annotation 0 has the bbox \[1, 2\]; it is four numbers",
        ),
        (broken(lambda c: c["images"][0].update(id="x")), "annotation 0 is of image 10, which is not in its images"),
        (
            broken(lambda c: c["images"][0].update(id=None)),
            "annotations.json, images: an entry has the id None; give every",
        ),
    ],
)
def test_files_that_contradict_themselves_are_refused(tmp_path: Path, content: Any, message: str):
    write(tmp_path, content)
    assert recognise(tmp_path)
    with pytest.raises(DataError, match=message):
        read(tmp_path, None)


def test_a_broken_annotation_may_be_passed_over(tmp_path: Path):
    content = broken(lambda c: c["annotations"].append({"id": 5, "image_id": 10, "category_id": 1, "bbox": None}))
    skipped: list[str] = []
    found = read(write(tmp_path, content), skipped)
    assert len(found.splits["train"][0].boxes) == 1
    assert len(skipped) == 1


def test_two_files_of_a_split_are_refused(tmp_path: Path):
    write(tmp_path, coco_content([ONE]), "train_a.json")
    write(tmp_path, coco_content([ONE]), "train_b.json")
    with pytest.raises(DataError, match=r"train_a.json and train_b.json both hold the train split; keep one"):
        recognise(tmp_path)


def test_names_that_differ_between_splits_are_refused(tmp_path: Path):
    write(tmp_path, coco_content([ONE]), "train.json")
    write(tmp_path, coco_content([ONE], names=("red", "blue")), "test.json")
    with pytest.raises(DataError, match=r"train.json: category 1 is 'blue', and 'red' in another split"):
        read(tmp_path, None)


@pytest.mark.parametrize("content", ["[1, 2]", '{"a": 1}', ""])
def test_other_json_is_not_taken_for_it(tmp_path: Path, content: str):
    assert recognise(write(tmp_path, content)) is None


def test_ids_have_only_to_be_equal(tmp_path: Path):
    content = coco_content([ONE])
    for change in (str, float, lambda number: f"x{number}"):
        changed = json.loads(json.dumps(content))
        for entry in changed["images"]:
            entry["id"] = change(entry["id"])
        for entry in changed["annotations"]:
            entry["image_id"] = change(entry["image_id"])
        paint(tmp_path, ONE)
        assert read(write(tmp_path, changed), None).splits["train"][0].boxes.tolist() == [[4, 8, 24, 40]]


def test_an_id_of_two_images_is_refused(tmp_path: Path):
    content = coco_content([ONE, Drawn("two", objects=(("red", 1, 1, 9, 9),))])
    content["images"][1]["id"] = content["images"][0]["id"]
    with pytest.raises(
        DataError, match=r"image id 10 is of one.png and of two.png, so it is unknown whose boxes are whose"
    ):
        read(write(tmp_path, content), None)


@pytest.mark.parametrize(
    "name", ["images\\\\one.png", "..\\\\..\\\\media\\\\one.png", "/home/me/data/images/one.png", "C:/x/one.png"]
)
def test_images_are_found_by_the_end_of_their_path(tmp_path: Path, name: str):
    content = coco_content([ONE])
    content["images"][0]["file_name"] = name.replace("\\\\", "\\")
    file = paint(tmp_path / "images", ONE)
    assert read(write(tmp_path, content), None).splits["train"][0].file == file


def test_a_test_part_without_annotations_is_set_aside(tmp_path: Path):
    write_coco(tmp_path, {"train2017": [ONE], "test2017": [ONE]})
    info = tmp_path / "annotations" / "instances_test2017.json"
    content = json.loads(info.read_text())
    del content["annotations"]
    info.write_text(json.dumps(content))
    found = read(tmp_path, None)
    assert list(found.splits) == ["train"]
    assert "instances_test2017.json has no annotations: its 1 images cannot be evaluated on" in found.notes[0]


def test_an_object_marked_twice_counts_once(tmp_path: Path):
    content = coco_content([ONE])
    content["annotations"].append({**content["annotations"][0], "id": 99})
    found = read(write(tmp_path, content), None)
    assert found.splits["train"][0].boxes.tolist() == [[4, 8, 24, 40]]
    assert found.set_aside == {"objects marked twice": 1}


def marked(root: Path, boxes: list[list[float]], **changes: Any) -> Dataset:
    """An image of 48x64 with boxes, as a dataset."""
    paint(root, Drawn("one"))
    content = coco_content([Drawn("one")])
    content["annotations"] = [
        {"id": n, "image_id": 10, "category_id": 1 + n % 2, "bbox": box} for n, box in enumerate(boxes)
    ]
    (root / "instances.json").write_text(json.dumps({**content, **changes}))
    return open_data(root, DataConfig(validation=0, test=0))


def test_boxes_by_shares_are_told(tmp_path: Path) -> None:
    data = marked(tmp_path, [[0.25, 0.5, 0.5, 0.25], [0, 0, 1, 1]])
    assert data.splits["train"].read(np.array([0]))["target"][0, :, 1:].tolist() == [[16, 24, 48, 36], [0, 0, 64, 48]]
    assert any("all boxes lie between 0 and 1, and are read as shares" in warning for warning in data.warnings)


def test_corners_in_the_place_of_width_and_height_are_suspected(tmp_path: Path) -> None:
    data = marked(tmp_path, [[40, 30, 60, 46], [30, 20, 50, 40], [1, 1, 9, 9]])
    assert any(warning.startswith("2 of 3 boxes reach beyond their image") for warning in data.warnings)


def test_categories_of_one_name_and_images_without_an_entry_are_said(tmp_path: Path) -> None:
    paint(tmp_path, Drawn("stray"))
    data = marked(tmp_path, [[1, 2, 30, 40], [9, 9, 9, 9]], categories=[{"id": n, "name": "red"} for n in (1, 2)])
    assert "several categories are called red, and are learned as one class" in data.warnings
    assert "1 images have no annotation and are not used, such as stray.png" in data.warnings


def test_a_box_that_is_not_given_is_that_of_the_outline(tmp_path: Path) -> None:
    outline = {"image_id": 10, "category_id": 1, "segmentation": [[2, 3, 12, 3, 12, 9], [5, 5, 20, 5, 20, 30]]}
    data = marked(tmp_path, [], annotations=[outline])
    assert data.splits["train"].read(np.array([0]))["target"][0, 0].tolist() == [0, 2, 3, 20, 30]


def test_a_side_that_is_no_number_names_its_annotation(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"instances.json: annotation 1 has the bbox \[nan, .* with a value that is not a number"
    ):
        marked(tmp_path, [[1, 2, 3, 4], [float("nan"), 2, 3, 4]])
