"""Learning features without labels, to the report, resumed exactly, and put to use where labels are few: the whole way."""

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines

SMALL: dict[str, Any] = {
    "threads": 1, "quiet": True, "batch_size": 16, "precision": "fp32", "warmup": 0.0, "schedule": "constant",
}  # fmt: skip
SIMCLR: dict[str, Any] = {
    **SMALL,
    "task": "simclr",
    "model": "compact-cnn",
    "widths": (8, 8),
    "augment": "resized-crop=0.5,flip",
}
MASKED = {**SMALL, "task": "masked-autoencoder", "patch": 4, "decoder_width": 16, "decoder_depth": 1}
WAYS = pytest.mark.parametrize("settings", [SIMCLR, MASKED], ids=["simclr", "masked-autoencoder"])


def rows(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Stripes that lean one way or the other, of any colour: 60 images of 12 pixels."""
    random = np.random.default_rng(seed)
    target = np.arange(60) % 2
    place = np.arange(12)
    leaning = np.where(target[:, None, None] == 0, place + place[:, None], place - place[:, None])
    wave = np.sin(leaning + random.uniform(0, 6, (60, 1, 1)))[..., None] * random.uniform(40, 120, (60, 1, 1, 3))
    return (128 + wave).astype(np.uint8), target


def weights(run: sonde.Run, which: str = "last") -> dict[str, torch.Tensor]:
    return checkpoint.read(run.folder / "checkpoints" / which)[0]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    return sonde.train(
        rows(), out=tmp_path_factory.mktemp("before") / "run", epochs=3, evaluate_every=1, lr=3e-3, **SIMCLR
    )


def test_the_run_folder_tells_of_the_loss_and_of_neighbours(before: sonde.Run) -> None:
    result = before.result
    assert (result["task"], result["headline"], result["objective"]["metric"]) == ("simclr", "knn_accuracy", "loss")
    evaluations = [
        line["metrics"] for line in read_lines(before.folder / "metrics.jsonl") if line["kind"] == "evaluation"
    ]
    assert [entry.keys() for entry in evaluations] == [{"knn_accuracy", "loss"}] * 3
    assert all(math.isfinite(value) for entry in evaluations for value in entry.values())
    assert result["metrics"]["validation"] in evaluations
    page = (before.folder / "report.html").read_text()
    assert "Validation kNN accuracy" in page
    assert "Loss over time" in page
    again = sonde.load(before.folder).evaluate(rows(1), split="test")
    assert again.keys() == {"knn_accuracy", "loss"}


@WAYS
def test_a_run_that_goes_on_is_the_run_that_went_through(settings: dict[str, Any], tmp_path: Path) -> None:
    straight = sonde.train(rows(), out=tmp_path / "straight", steps=5, **settings)
    stopped = sonde.train(rows(), out=tmp_path / "stopped", steps=2, **settings)
    resumed = sonde.resume(stopped.folder, data=rows(), steps=5, quiet=True)
    one, two = weights(straight), weights(resumed)
    assert one.keys() == two.keys()
    assert [name for name in one if not torch.equal(one[name], two[name])] == []
    assert straight.metrics == resumed.metrics


def test_the_seed_decides_what_is_seen(tmp_path: Path) -> None:
    losses = []
    for place, seed in enumerate((1, 1, 2)):
        run = sonde.train(rows(), out=tmp_path / str(place), steps=1, log_every=1, seed=seed, **SIMCLR)
        losses.append(next(line["loss"] for line in read_lines(run.folder / "metrics.jsonl") if line["kind"] == "step"))
    assert losses[0] == losses[1] != losses[2]


def test_few_labels_go_on_from_there(before: sonde.Run, tmp_path: Path) -> None:
    more = {**SMALL, "pretrained": before.folder, "label_fraction": 0.3, "epochs": 1, "batch_size": 8}
    tuned = sonde.train(rows(), out=tmp_path / "tuned", lr=1e-9, **more)
    assert tuned.result["task"] == "classification"
    assert "head is randomly initialised: the weights have none" in read_json(tuned.folder / "plan.json")["lines"]
    known, now = weights(before, "best"), weights(tuned)
    learnt = [name for name in now if name.endswith("weight") and not name.startswith("model.head")]
    assert learnt
    assert all(torch.allclose(now[name], known[name], atol=1e-6) for name in learnt)
    assert set(known) - set(now) == {name for name in known if name.startswith("projection.")}


def test_the_linear_probe_moves_the_head_alone(before: sonde.Run, tmp_path: Path) -> None:
    more = {**SMALL, "pretrained": before.folder, "freeze": "backbone", "label_fraction": 0.5, "lr": 0.1}
    more["augment"] = "none"  # a mirror image leans the other way
    probe = sonde.train(rows(), out=tmp_path / "probe", epochs=20, evaluate_every=20, **more)
    known, now = weights(before, "best"), weights(probe)
    assert [name for name in known if name.startswith("model.") and not torch.equal(known[name], now[name])] == []
    assert probe.metrics["accuracy"] > 0.5


def test_predictions_are_features(before: sonde.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    picture, table = tmp_path / "a.png", tmp_path / "features.csv"
    Image.fromarray(rows()[0][0]).save(picture)
    assert main(["predict", str(before.folder), str(picture), "--out", str(table)]) == 0
    assert "8 numbers" in capsys.readouterr().out
    with table.open(newline="") as file:
        read = list(csv.DictReader(file))
    found = sonde.load(before.folder).predict(picture)[0]["features"]
    assert [float(read[0][f"features/{place}"]) for place in range(8)] == list(found.values())
    assert main(["predict", str(before.folder), str(picture), "--out", str(tmp_path / "sheet.png")]) == 2
    assert "this run learned image features, which cannot be drawn; use .csv or .json" in capsys.readouterr().err


def test_views_that_are_the_same_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="compares two views of each image, and augment= leaves them the same"):
        sonde.train(rows(), out=tmp_path / "run", **dict(SIMCLR, augment="none"))
