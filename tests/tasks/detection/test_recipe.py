from pathlib import Path

import pytest
from sample_boxes import random_images, write_voc

from sonde.augment.boxes import parse_boxes
from sonde.core.config import DataConfig
from sonde.modalities.open import open_data
from sonde.modalities.settings import leaves
from sonde.run.choose import choose, choose_model, choose_task
from sonde.tasks.detection.config import DetectionConfig
from sonde.tasks.detection.recipe import FEW_ROWS, settings


def test_boxes_are_for_detection_by_a_small_detector(tmp_path: Path):
    data = open_data(write_voc(tmp_path, {"train": random_images(8)}), DataConfig())
    task, model = choose_task(data, None), choose_model(data, None)
    assert task == ("detection", "objects are marked by boxes")
    assert model[0] == "detector-tiny"
    recipe = choose(data, task="detection", model="detector-tiny")
    assert recipe.settings["batch_size"] == (5, "there are no more training rows")
    assert choose(data, task="detection", model="net.py:Net").settings["epochs"] == recipe.settings["epochs"]


@pytest.mark.parametrize("rows", [100, FEW_ROWS + 1])
def test_every_setting_exists_and_has_its_reason(rows: int, tmp_path: Path):
    data = open_data(write_voc(tmp_path, {"train": random_images(8)}), DataConfig())
    splits = {**data.splits, "train": range(rows)}
    found = settings(type("Data", (), {"splits": splits})(), "detector-tiny")  # type: ignore[arg-type]
    known = {leaf for leaf in leaves()} | set(DetectionConfig.__dataclass_fields__)
    assert found.keys() <= known
    assert all(why for _, why in found.values())
    parse_boxes(found["augment"][0])
