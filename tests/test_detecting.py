"""From a folder of images with boxes to a run folder, a judgement and pictures, through the public interface."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sample_boxes import Drawn, paint, random_images, write_coco, write_voc

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from sonde.engine import checkpoint

# nothing that depends on the length of a run, so that one trained further is one trained through
SETTINGS: dict[str, Any] = {
    "threads": 1, "quiet": True, "batch_size": 4, "schedule": "constant", "warmup": 0.0, "precision": "fp32",
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    images = random_images(18)
    splits = {"train": images[:10], "validation": images[10:14], "test": images[14:]}
    return write_voc(tmp_path_factory.mktemp("data") / "cells", splits)


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    out = tmp_path_factory.mktemp("runs") / "straight"
    return sonde.train(data, out=out, steps=6, evaluate_every=1, score_threshold=0.005, **SETTINGS)


def test_the_task_is_found_judged_and_told(run: sonde.Run) -> None:
    assert (run.result["task"], run.result["model"]) == ("detection", "detector-tiny")
    assert run.result["objective"] == {"metric": "map", "mode": "max"}
    assert {"map", "map50", "map75", "recall", "f1", "loss"} <= run.metrics.keys()
    assert read_json(run.folder / "data.json")["class_counts"]["train"].keys() == {"blue", "red"}
    schema = read_json(run.folder / "schema.json")
    assert (schema["input"]["fit"], schema["target"]["kind"]) == ("letterbox", "boxes")
    for split in ("validation", "test"):
        worst = read_json(run.folder / "evaluation" / split / "worst.json")
        assert len(worst) == 4
        with Image.open(run.folder / "evaluation" / split / worst[0]["picture"]) as picture:
            assert picture.size == (64, 64)
        assert worst[0]["row"].startswith("JPEGImages/image")
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    for what in ("Precision and recall", "Lowest loss", "mAP@50", ">objects<"):
        assert what in page


def test_a_run_trained_further_is_one_trained_through(data: Path, run: sonde.Run, tmp_path: Path) -> None:
    short = sonde.train(data, out=tmp_path / "short", steps=4, score_threshold=0.005, **SETTINGS)
    sonde.resume(short.folder, steps=6, quiet=True)
    ours, theirs = (checkpoint.read(folder / "checkpoints" / "last")[0] for folder in (short.folder, run.folder))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_loaded_run_predicts_and_judges_as_the_live_one(data: Path, run: sonde.Run) -> None:
    loaded = sonde.load(run.folder)
    files = sorted((data / "JPEGImages").iterdir())[:3]
    for here, there in zip(run.predict(files), loaded.predict(files), strict=True):  # in another memory format
        assert there["objects"][0]["score"] == pytest.approx(here["objects"][0]["score"], rel=1e-3)
    scores = loaded.evaluate(data)
    assert scores["map"] == pytest.approx(run.metrics["map"], abs=1e-6)
    assert scores["loss"] == pytest.approx(run.metrics["loss"], rel=1e-5)


def test_boxes_are_in_pixels_of_the_image_whatever_its_size_and_kind(run: sonde.Run, tmp_path: Path) -> None:
    small = random_images(1, seed=5)[0]
    file = paint(tmp_path, small)
    with Image.open(file) as picture:
        picture.resize((256, 192), Image.Resampling.NEAREST).save(tmp_path / "large.png")
        array = np.asarray(picture)
    one, large = run.predict([file, tmp_path / "large.png"])
    for entry, width, height in ((one, 64, 48), (large, 256, 192)):
        _, _, right, bottom = np.array([found["box"] for found in entry["objects"]]).max(axis=0)
        assert 0.8 * width < right <= width
        assert 0.8 * height < bottom <= height
    for given in (array, Image.fromarray(array)):  # arrays and Pillow's images as files
        assert run.predict(given)[0]["objects"] == run.predict(file)[0]["objects"]


def test_a_folder_gets_the_pictures_with_their_boxes(
    data: Path, run: sonde.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(file) for file in sorted((data / "JPEGImages").iterdir())[:2]]
    assert main(["predict", str(run.folder), *files, "--out", f"{tmp_path / 'found'}/"]) == 0
    assert "wrote" in capsys.readouterr().out
    for file in files:
        with Image.open(tmp_path / "found" / Path(file).name) as picture, Image.open(file) as before:
            assert picture.size == before.size
            assert (np.asarray(picture) != np.asarray(before)).any()
    assert main(["predict", str(run.folder), *files, "--out", str(tmp_path / "found.json")]) == 0
    written = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))
    assert written == sonde.load(run.folder).predict(files)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"model": "resnet18"}, "detector"),
        ({"task": "classification"}, "boxes"),
        ({"task": "regression"}, "boxes"),
        ({"augment": "mixup=0.2"}, "unknown augmentation of images with boxes 'mixup'"),
    ],
)
def test_what_does_not_suit_boxes_is_refused(
    data: Path, tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        sonde.train(data, out=tmp_path / "run", epochs=1, **SETTINGS, **settings)


def test_inspect_counts_objects(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    few = write_voc(tmp_path / "few", {"train": random_images(4), "val": random_images(9, seed=3)[4:]})
    assert main(["inspect", str(few), "--test", "0"]) == 0
    assert "fewer than 10 training objects: 'blue'" in capsys.readouterr().out
    assert main(["inspect", str(data)]) == 0
    said = capsys.readouterr().out
    assert "objects" in said
    assert "median size, stored pixels" in said


def test_images_without_objects_are_trained_on(tmp_path: Path) -> None:
    images = [*random_images(5), Drawn("empty0"), Drawn("empty1"), Drawn("empty2")]
    data = write_coco(tmp_path / "data", {"train": images, "val": [Drawn("empty3"), *random_images(2, seed=7)]})
    run = sonde.train(data, out=tmp_path / "run", steps=3, accumulate=2, test=0.0, **SETTINGS)
    assert np.isfinite(run.metrics["loss"])


@pytest.mark.slow
def test_ten_images_are_learned_by_heart(shared_data: Path, tmp_path: Path) -> None:
    run = sonde.train(
        shared_data / "bccd",
        out=tmp_path / "run",
        overfit_batches=1,
        batch_size=10,
        epochs=120,
        evaluate_every=20,
        threads=2,
        quiet=True,
    )
    assert run.metrics["map"] >= 0.95
