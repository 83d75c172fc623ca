"""What tasks that make or encode inputs do with recordings, from the folder to files that can be heard."""

import wave
from pathlib import Path

import numpy as np
import pytest
import torch
from tones import RATE, folders

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError
from sonde.core.files import read_json

SMALL = {"threads": 1, "quiet": True, "widths": (8,), "batch_size": 8, "doctor": False}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("sounds")
    folders(found / "tones")
    sonde.train(found / "tones", task="flow-matching", heads=0, steps=2, out=found / "flow", **SMALL)
    sonde.train(found / "tones", task="vae", latent=4, steps=2, out=found / "vae", **SMALL)
    return found


def seconds(path: Path) -> float:
    with wave.open(str(path)) as file:
        assert file.getframerate() == RATE
        return file.getnframes() / RATE


def test_samples_are_files_called_by_class(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--number", "2", "--classes", "high", "--steps", "1", "--guidance", "2"]
    assert main(["sample", str(place / "flow"), *asked, "--out", f"{tmp_path}/high/"]) == 0
    assert "wrote 2 samples" in capsys.readouterr().out
    assert sorted(each.name for each in (tmp_path / "high").glob("*.wav")) == ["00000-high.wav", "00001-high.wav"]
    length = sonde.load(place / "flow").schema.input.shape[0] / RATE
    assert 0 < seconds(tmp_path / "high" / "00000-high.wav") <= length


def test_in_python_samples_are_waves_with_their_rate_and_can_be_predicted_on(place: Path) -> None:
    run = sonde.load(place / "flow")
    found = run.sample(3, seed=1)
    assert [each["sampling_rate"] for each in found] == [RATE] * 3
    assert all(each["array"].ndim == 1 and each["array"].dtype == np.float32 for each in found)
    again = run.sample(3, seed=1)
    np.testing.assert_array_equal(found[2]["array"], again[2]["array"])
    assert len(run.predict(found)) == 3


@pytest.mark.parametrize("run", ["flow", "vae"])
def test_the_report_plays_samples(run: str, place: Path) -> None:
    page = (place / run / "report.html").read_text()
    samples = page[page.index('id="samples"') :]
    assert samples.count('<audio controls preload="none" src="data:audio/wav;base64,') >= 20
    split = sonde.load(place / run).evaluated_on
    told = read_json(place / run / "evaluation" / split / "samples.json")
    assert len(told["cards"]) == 20


def test_what_an_autoencoder_gives_back_can_be_heard(place: Path, tmp_path: Path) -> None:
    given = place / "tones" / "low" / "3.wav"
    assert (
        main(["predict", str(place / "vae"), str(given), "--what", "reconstruction", "--out", f"{tmp_path}/back/"]) == 0
    )
    assert [each.name for each in (tmp_path / "back").glob("[!.]*")] == ["00000-3.wav"]
    (found,) = sonde.load(place / "vae").predict(given, what="reconstruction")
    assert found["reconstruction"].shape == sonde.load(place / "vae").schema.input.shape
    told = read_json(place / "vae" / "evaluation" / "reconstructions.json")
    assert [card["class"] for card in told["cards"][:2]] == ["as recorded", "given back"]


@pytest.mark.parametrize(
    ("run", "asked", "told"),
    [
        ("flow", ["sample", "--out", "x.png"], "recordings are written to names ending in / or .wav"),
        ("flow", ["sample", "--known", "a.wav", "--mask", "b.png"], "--known and --mask are for images"),
        (
            "vae",
            ["sample", "--guidance", "2"],
            "--guidance steers toward a class, and this run was trained without classes",
        ),
        ("flow", ["sample", "--classes", "hihg"], "did you mean 'high'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    run: str, asked: list[str], told: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verb, *rest = asked
    assert main([verb, str(place / run), *rest]) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1


def test_tables_have_no_room_for_sound(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = str(place / "tones" / "low" / "3.wav")
    assert main(["predict", str(place / "vae"), given, "--what", "reconstruction", "--out", "x.csv"]) == 2
    assert "reconstructions of recordings are sound; use a folder/ or .npy" in capsys.readouterr().err


def test_bits_are_for_pixels(place: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="bernoulli.* is for the pixels of images"):
        sonde.train(place / "tones", task="vae", likelihood="bernoulli", steps=1, out=tmp_path / "run", **SMALL)


def test_a_run_that_goes_on_is_one_that_never_stopped(place: Path, tmp_path: Path) -> None:
    settings = {**SMALL, "task": "diffusion", "heads": 0, "ema": 0.9, "batch_size": 7}
    straight = sonde.train(place / "tones", steps=4, schedule="constant", out=tmp_path / "straight", **settings)
    sonde.train(place / "tones", steps=2, schedule="constant", out=tmp_path / "halves", **settings)
    resumed = sonde.resume(tmp_path / "halves", steps=4)
    for name, weight in straight.model.state_dict().items():
        assert torch.equal(weight, resumed.model.state_dict()[name]), name
