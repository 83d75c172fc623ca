"""What an evaluation leaves behind: pictures of the worst rows, and what a trivial answer would have reached."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn import metrics as sk
from sklearn.dummy import DummyClassifier, DummyRegressor

import sonde
from sonde.core.files import read_json
from sonde.engine.json_lines import read_lines
from sonde.modalities.image.show import HEAVY, save_picture
from sonde.run.time_limit import TimeLimit

SHORT: dict[str, Any] = {"threads": 1, "quiet": True, "epochs": 1, "batch_size": 16}


def uneven(rows: int = 120) -> tuple[np.ndarray, np.ndarray]:
    """Inputs, and classes 0, 1, 2 with shares of about 1/6, 1/3 and 1/2."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(rows, 4)).astype(np.float32), rng.permutation([0, 1, 1, 2, 2, 2] * (rows // 6))


def test_the_baseline_of_classes_is_judged_on_the_rows_that_the_model_is_judged_on(tmp_path: Path) -> None:
    x, y = uneven()
    splits = {"train": (x[:70], y[:70]), "validation": (x[70:90], y[70:90]), "test": (x[90:], y[90:])}
    result = sonde.train(splits, model="mlp", hidden=(4,), out=tmp_path / "run", **SHORT).result
    guess = DummyClassifier(strategy="most_frequent").fit(x[:70], y[:70]).predict(x[90:])
    assert result["baseline"]["what"] == "always predicting 2"
    assert result["baseline"]["accuracy"] == pytest.approx(sk.accuracy_score(y[90:], guess))
    assert result["baseline"].keys() - {"what"} <= result["metrics"]["test"].keys()


def test_the_baseline_of_numbers_is_in_their_own_units(tmp_path: Path) -> None:
    x, _ = uneven()
    y = 1000 + 50 * x[:, 0]
    splits = {"train": (x[:90], y[:90]), "test": (x[90:], y[90:])}
    baseline = sonde.train(splits, model="mlp", hidden=(4,), validation=0, out=tmp_path / "run", **SHORT).result[
        "baseline"
    ]
    guess = DummyRegressor().fit(x[:90], y[:90]).predict(x[90:])
    assert baseline["rmse"] == pytest.approx(sk.root_mean_squared_error(y[90:], guess), rel=1e-5)
    assert baseline["what"] == f"always predicting the mean, {guess[0]:.4g}"


def test_the_baseline_of_labels_with_gaps(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(80, 3)).astype(np.float32)
    y = (rng.random((80, 2)) < (0.9, 0.2)).astype(np.float32)
    y[np.arange(80) % 7 == 0, 0] = np.nan
    y[np.arange(80) % 5 == 1, 1] = np.nan
    y[np.isnan(y).all(1)] = 1
    splits = {"train": (x[:50], y[:50]), "test": (x[50:], y[50:])}
    baseline = sonde.train(splits, model="mlp", hidden=(4,), validation=0, out=tmp_path / "run", **SHORT).result[
        "baseline"
    ]
    known = ~np.isnan(y[50:])
    assert baseline["label_accuracy"] == pytest.approx(((y[50:] == (1, 0)) & known).sum() / known.sum())


def test_without_held_back_rows_there_is_no_baseline(tmp_path: Path) -> None:
    run = sonde.train(uneven(), model="mlp", hidden=(4,), validation=0, test=0, out=tmp_path / "run", **SHORT)
    assert run.result["baseline"] == {}


def test_what_was_learnt_by_heart_has_no_baseline(tmp_path: Path) -> None:
    run = sonde.train(uneven(), model="mlp", hidden=(4,), overfit_batches=1, out=tmp_path / "run", **SHORT)
    assert run.result["baseline"] == {}


def test_the_worst_rows_are_named_and_shown(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in ("train/dark", "train/light", "test/dark", "test/light"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for number in range(12 if name.startswith("train") else 3):
            low = 0 if name.endswith("dark") else 128
            picture = rng.integers(low, low + 128, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(picture).save(tmp_path / "data" / name / f"{number}.png")
    sonde.train(tmp_path / "data", model="mlp", hidden=(4,), out=tmp_path / "run", **dict(SHORT, batch_size=4))
    worst = read_json(tmp_path / "run" / "evaluation" / "test" / "worst.json")
    assert len(worst) == 6
    assert [entry["loss"] for entry in worst] == sorted((entry["loss"] for entry in worst), reverse=True)
    for entry in worst:
        original = np.asarray(Image.open(tmp_path / "data" / entry["row"]))
        with Image.open(tmp_path / "run" / "evaluation" / "test" / entry["picture"]) as shown:
            assert (np.asarray(shown) == original).all()
        assert entry["row"].split("/")[1] == entry["target"]


def test_wide_and_heavy_pictures_are_made_smaller(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 200, 400), dtype=np.uint8)  # noise: nothing compresses it
    path = save_picture(tmp_path / "heavy.png", pixels)
    assert path.suffix == ".jpg"
    assert path.stat().st_size <= HEAVY
    assert not (tmp_path / "heavy.png").exists()
    smooth = np.broadcast_to(np.arange(1000, dtype=np.uint8), (3, 300, 1000))
    assert save_picture(tmp_path / "wide.png", smooth).name == "wide.png"
    with Image.open(tmp_path / "wide.png") as picture:
        assert (picture.size, picture.mode) == ((480, 144), "RGB")


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (1e9, []),
        (
            0.0,
            [
                "the report shows 4 samples instead of 60 of 8 steps each instead of 20: the time limit left no time for more"
            ],
        ),
    ],
)
def test_a_time_limit_bounds_the_samples_of_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float, told: list[str]
) -> None:
    monkeypatch.setattr(TimeLimit, "for_samples", lambda self, coming: seconds)
    frame = {"a": uneven()[0][:, 0], "b": uneven()[0][:, 1]}
    given: dict[str, Any] = {"task": "flow-matching", "model": "denoiser-mlp", "time_limit": "20m", "steps": 2}
    run = sonde.train(frame, out=tmp_path / "run", **{**SHORT, **given, "epochs": None})
    findings = read_lines(run.folder / "findings.jsonl")
    assert [line["evidence"] for line in findings if line["check"] == "fewer samples"] == told
    made = read_json(run.folder / "evaluation" / "test" / "samples.json")
    assert (made["number"], made["steps"]) == ((4, 8) if told else (60, 20))
