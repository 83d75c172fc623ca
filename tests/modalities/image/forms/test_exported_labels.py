"""Classes of images that annotation programs exported."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from sample_boxes import Drawn, paint

from sonde.core.config import DataConfig
from sonde.core.dataset import Dataset
from sonde.core.errors import DataError
from sonde.modalities.open import open_data

WHOLE = DataConfig(validation=0, test=0)
CHOICES = [["cat"], ["dog"], ["dog"]]


def pictures(root: Path) -> None:
    for number in range(3):
        paint(root / "images", Drawn(f"{number}"))


def task(number: int, choices: list[str]) -> dict:
    result = [{"type": "choices", "value": {"choices": choices}}] if choices else []
    return {"data": {"image": f"/data/upload/3/0a1b2c3d-{number}.png"}, "annotations": [{"result": result}]}


def labels(data: Dataset) -> list[str]:
    codes = data.splits["train"].read(np.arange(len(data.splits["train"])))["target"]
    return [data.schema.target.names[int(code)] for code in codes]


def test_choices_in_json(tmp_path: Path) -> None:
    pictures(tmp_path)
    (tmp_path / "project.json").write_text(json.dumps([task(n, chosen) for n, chosen in enumerate(CHOICES)]))
    assert labels(open_data(tmp_path, WHOLE)) == ["cat", "dog", "dog"]


def test_choices_in_csv(tmp_path: Path) -> None:
    pictures(tmp_path)
    with (tmp_path / "project.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["image", "choice", "annotator", "lead_time"])
        table.writerows([f"/data/upload/3/0a1b2c3d-{n}.png", chosen[0], 1, 2.5] for n, chosen in enumerate(CHOICES))
    assert labels(open_data(tmp_path, WHOLE)) == ["cat", "dog", "dog"]


def test_several_choices_an_image_are_labels(tmp_path: Path) -> None:
    pictures(tmp_path)
    tasks = [task(n, chosen) for n, chosen in enumerate([["cat", "dog"], ["dog"], ["cat"]])]
    (tmp_path / "project.json").write_text(json.dumps(tasks))
    data = open_data(tmp_path, WHOLE)
    assert (data.schema.target.kind, data.schema.target.names) == ("labels", ("cat", "dog"))
    assert data.splits["train"].read(np.arange(3))["target"].tolist() == [[1, 1], [0, 1], [1, 0]]


def test_fiftyones_numbers(tmp_path: Path) -> None:
    for number in range(4):
        paint(tmp_path / "data", Drawn(f"{number}"))
    content = {"classes": ["dog", "cat"], "labels": {"0": 1, "1": 0, "2": 0, "3": None}}
    (tmp_path / "labels.json").write_text(json.dumps(content))
    data = open_data(tmp_path, WHOLE)
    assert labels(data) == ["cat", "dog", "dog"]
    assert "1 images have no label and are not used, such as data/3.png" in data.warnings


def test_an_image_that_is_not_there(tmp_path: Path) -> None:
    pictures(tmp_path)
    tasks = [task(n, chosen) for n, chosen in enumerate([*CHOICES, ["cat"]])]
    (tmp_path / "project.json").write_text(json.dumps(tasks))
    with pytest.raises(DataError, match=r"project.json task 4: '.*-3.png' names no image below .*--skip-unreadable"):
        open_data(tmp_path, WHOLE)
    skipped = open_data(tmp_path, DataConfig(validation=0, test=0, skip_unreadable=True))
    assert labels(skipped) == ["cat", "dog", "dog"]
