"""Images in no class folders: read for tasks that need no labels, and for no others."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_places import at

import sonde
from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.modalities.image.forms import unlabelled
from sonde.modalities.open import open_data, open_like


def fill(folder: Path, count: int = 24) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for number in range(count):
        Image.fromarray(random.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return folder


def test_a_flat_folder_is_images_without_labels(tmp_path: Path):
    data = open_data(fill(tmp_path / "photos"), DataConfig(), task="simclr")
    assert (data.form, data.schema.target.kind) == ("images without labels", "none")
    assert {name: len(rows) for name, rows in data.splits.items()} == {"train": 17, "validation": 2, "test": 5}
    assert not any("target" in fact.what or "predict" in fact.what for fact in data.facts)


def test_class_folders_keep_their_labels(tmp_path: Path):
    for name in ("cat", "dog"):
        fill(tmp_path / "photos" / name)
    assert at(unlabelled.recognise)(tmp_path / "photos") is None
    assert open_data(tmp_path / "photos", DataConfig(), task="simclr").schema.target.kind == "class"


def test_other_tasks_need_labels(tmp_path: Path):
    with pytest.raises(
        DataError, match=r"nothing says what its 24 images show; .* --task simclr or --task masked-autoencoder"
    ):
        open_data(fill(tmp_path / "photos"), DataConfig())


def test_a_trained_run_reads_such_a_folder_again(tmp_path: Path):
    data = open_data(fill(tmp_path / "photos"), DataConfig(), task="simclr")
    again = open_like(fill(tmp_path / "more", 3), data.schema, DataConfig())
    assert (len(again.splits["test"]), again.schema) == (3, data.schema)


@pytest.mark.parametrize("task", ["simclr", "masked-autoencoder"])
def test_features_are_learnt_from_it(tmp_path: Path, task: str):
    photos = fill(tmp_path / "photos")
    run = sonde.train(
        photos, task=task, epochs=1, batch_size=8, threads=1, quiet=True, out=tmp_path / "run", device="cpu"
    )
    assert run.metrics.keys() == {"loss"}
    assert len(run.predict([str(photos / "0.png")])[0]["features"]) > 1
