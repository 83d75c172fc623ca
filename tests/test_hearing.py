"""Recordings from files to report, judged, used and resumed: the whole way, on whistles of three pitches."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch

import sonde
from sonde.cli.main import main
from sonde.core.files import read_json
from sonde.engine import checkpoint

PITCHES = {"low": 400.0, "middle": 1000.0, "high": 2600.0}
PATTERN = "{label}_{take}"
SMALL: dict[str, Any] = {
    "threads": 1,
    "quiet": True,
    "mels": 16,
    "labels": PATTERN,
    "held_out": "take=0-3",
    "batch_size": 12,
}
NET: dict[str, Any] = {**SMALL, "widths": (8, 12), "dropout": 0.0}
SPEECH: dict[str, Any] = {
    **SMALL, "task": "speech-recognition", "layers": 1, "dropout": 0.0, "label_names": ("low=o", "middle=m", "high=hi"),
}  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, drawn = tmp_path_factory.mktemp("whistles"), np.random.default_rng(0)
    for name, hz in PITCHES.items():
        for take in range(16):
            times = np.arange(drawn.integers(1200, 2000)) / 8000
            tone = np.sin(2 * np.pi * hz * drawn.uniform(0.9, 1.1) * times) * np.hanning(len(times))
            soundfile.write(folder / f"{name}_{take}.wav", 0.3 * tone + 0.01 * drawn.standard_normal(len(times)), 8000)
    return folder


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    return sonde.train(data, epochs=12, lr=1e-2, out=tmp_path_factory.mktemp("run") / "run", **NET)


def test_whistles_are_told_apart_judged_and_named(run: sonde.Run, data: Path) -> None:
    result = run.result
    assert (result["task"], result["model"], result["headline"]) == ("classification", "audio-cnn", "accuracy")
    assert run.metrics["accuracy"] > 0.9
    assert result["baseline"]["accuracy"] == pytest.approx(1 / 3)
    assert run.evaluate(data) == pytest.approx(run.metrics, rel=1e-4)
    found = run.predict(str(data / "low_0.wav"))
    assert found[0]["prediction"] == "low"
    whistle = (0.2 * np.sin(2 * np.pi * 2600 * np.arange(3000) / 16_000)).astype(np.float32)
    assert run.predict({"array": whistle, "sampling_rate": 16_000})[0]["prediction"] == "high"


def test_the_report_shows_and_plays_what_went_most_wrong(run: sonde.Run) -> None:
    cases = read_json(run.folder / "evaluation" / "test" / "worst.json")
    assert cases
    for case in cases:
        assert case["row"].endswith(".wav")
        assert all((run.folder / "evaluation" / "test" / case[part]).is_file() for part in ("picture", "sound"))
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert page.count("<audio controls") == len(cases)
    assert "media-src data:" in page


def test_words_are_recognised(data: Path, tmp_path: Path) -> None:
    run = sonde.train(data, epochs=25, lr=5e-3, out=tmp_path / "run", **SPEECH)
    assert (run.result["task"], run.result["model"]) == ("speech-recognition", "speech-conformer-tiny")
    assert run.metrics["wer"] < 0.2
    assert run.metrics["accuracy"] == pytest.approx(1 - run.metrics["wer"])  # one word each
    assert run.evaluate(data) == pytest.approx(run.metrics, rel=1e-4)
    assert run.predict(str(data / "high_1.wav"))[0]["prediction"] == "hi"
    confusion = read_json(run.folder / "evaluation" / "test" / "confusion.json")
    assert confusion["names"][:3] == ["hi", "m", "o"]


@pytest.mark.parametrize("settings", [NET, SPEECH])
def test_a_resumed_run_is_the_straight_one(settings: dict[str, Any], data: Path, tmp_path: Path) -> None:
    settings = {**settings, "schedule": "constant", "warmup": 0.0, "evaluate_every": 1.0}
    straight = sonde.train(data, steps=7, out=tmp_path / "straight", **settings)
    sonde.train(data, steps=3, out=tmp_path / "halves", **settings)
    halves = sonde.resume(tmp_path / "halves", steps=7, quiet=True)
    assert halves.metrics == straight.metrics
    ours, theirs = (checkpoint.read(found.folder / "checkpoints" / "last")[0] for found in (halves, straight))
    assert all(torch.equal(ours[name], value) for name, value in theirs.items())


def test_the_command_line_looks_into_recordings(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(data), "--labels", PATTERN]) == 0
    said = capsys.readouterr().out
    assert "48 recordings" in said
    assert "3 classes: high, low, middle" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give the label in their names, such as --labels"),
        (
            ["--labels", PATTERN, "--model", "resnet18"],
            "--model resnet18 takes inputs of kind image, and this data is of kind audio; take audio-cnn",
        ),
        (["--labels", PATTERN, "--augment", "flip"], "unknown augmentation of sound 'flip'"),
        (["--labels", PATTERN, "--target", "x"], "leave --target out"),
    ],
)  # fmt: skip
def test_mistakes_are_one_line(
    words: list[str], message: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", str(data), "--out", str(tmp_path / "run"), *words]) == 2
    said = capsys.readouterr().err
    assert message in " ".join(said.split())
    assert len(said.strip().splitlines()) == 1
