"""FiftyOne's labels.json of objects."""

import json
from pathlib import Path

import pytest
from sample_boxes import Drawn, paint
from sample_places import form

from sonde.core.errors import DataError
from sonde.modalities.image.annotations import fiftyone

read, recognise = form(fiftyone)


def write(root: Path, label: int | str = 1) -> Path:
    for name in ("one", "two"):
        paint(root / "data", Drawn(name))
    box = {"label": label, "bounding_box": [0.25, 0.5, 0.125, 0.25]}
    (root / "labels.json").write_text(json.dumps({"classes": ["cat", "dog"], "labels": {"one": [box], "two": None}}))
    return root


def test_boxes_are_shares_and_classes_are_numbered(tmp_path: Path) -> None:
    assert recognise(write(tmp_path)) == "labels.json by FiftyOne"
    found = read(tmp_path, None)
    first, second = found.splits["train"]
    assert found.shares
    assert (first.file, first.names) == (tmp_path / "data" / "one.png", ("dog",))
    assert first.boxes.tolist() == [[0.25, 0.5, 0.375, 0.75]]
    assert second.names == ()


def test_a_class_without_a_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="labels.json one: label 2 has no name; there are 2 classes, counted from 0"):
        read(write(tmp_path, 2), None)


def test_other_files_with_labels_and_classes_are_none(tmp_path: Path) -> None:
    paint(tmp_path / "data", Drawn("one"))
    for content in ({"classes": ["cat"], "labels": ["a", "b"]}, {"classes": 2, "labels": "labels.txt"}):
        (tmp_path / "labels.json").write_text(json.dumps(content))
        assert recognise(tmp_path) is None
