"""Clips the whole way, as a user goes it: from an array to made clips, the next frames of one, and measures of motion."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sonde
from sonde.cli.main import main
from sonde.core.files import read_json
from sonde.engine import checkpoint
from sonde.engine.step import Stepper
from sonde.engine.tree import same
from sonde.metrics.motion import told_from_shuffled
from sonde.modalities.video.files import read_clip, write_animated
from sonde.modalities.video.moving_digits import moving

FRAMES, SIDE = 5, 8
SMALL: dict[str, Any] = {
    "threads": 1,
    "quiet": True,
    "precision": "fp32",
    "batch_size": 32,
    "widths": (16,),
    "heads": 2,
    "patch": 2,
}


def blocks(number: int = 200) -> np.ndarray:
    """A bright block of 3x3 pixels that moves through a frame of 8x8."""
    images = np.full((1, 3, 3), 230, np.uint8)
    return moving(images, number, digits=1, side=SIDE, frames=FRAMES, random=np.random.default_rng(0))[0]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "blocks.npz"
    clips = blocks()
    clips[100:] //= 2
    np.savez(path, clips=clips, y=np.arange(200) // 100, names=np.array(["bright", "dark"]))
    return path


@pytest.fixture(scope="module")
def trained(data: Path, tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    out = tmp_path_factory.mktemp("trained") / "run"
    return sonde.train(data, task="flow-matching", steps=280, lr=4e-3, ema=0.95, out=out, **SMALL)


def test_made_clips_move_and_are_as_bright_as_their_class(trained: sonde.Run) -> None:
    bright, dark = (trained.sample(60, classes=[name], seed=1) for name in ("bright", "dark"))
    assert bright.shape == (60, FRAMES, SIDE, SIDE)
    assert bright.dtype == np.uint8
    assert np.median(bright.max((2, 3))) > 1.5 * np.median(dark.max((2, 3)))
    assert told_from_shuffled(torch.from_numpy(np.concatenate([bright, dark]))) > 0.65  # 0.5 where time means nothing


def test_what_was_read_and_how_is_said(trained: sonde.Run) -> None:
    assert trained.result["model"] == "denoiser-video"
    assert trained.schema.input.shape == (FRAMES, 1, SIDE, SIDE)
    assert trained.schema.target.names == ("bright", "dark")


def test_the_report_shows_clips_in_motion_and_frame_by_frame(trained: sonde.Run) -> None:
    folder = trained.folder / "evaluation" / trained.evaluated_on
    told = read_json(folder / "samples.json")
    with Image.open(folder / told["picture"]) as picture:
        assert picture.format == "GIF"
        assert getattr(picture, "n_frames", 1) == FRAMES
    page = (trained.folder / "report.html").read_text(encoding="utf-8")
    assert "data:image/gif;base64," in page
    assert "prefers-reduced-motion" in page
    assert "Frame by frame" in page
    assert "--number 200" in page
    assert "--task classification" not in page  # nothing that classifies clips could judge them


def test_the_command_writes_animated_pictures(trained: sonde.Run, tmp_path: Path) -> None:
    run = str(trained.folder)
    assert main(["sample", run, "-n", "4", "--out", str(tmp_path / "four.gif")]) == 0
    with Image.open(tmp_path / "four.gif") as picture:
        assert getattr(picture, "n_frames", 1) == FRAMES
    assert main(["sample", run, "-n", "2", "--classes", "dark", "--out", f"{tmp_path}/two/"]) == 0
    assert sorted(each.name for each in (tmp_path / "two").glob("*.gif")) == ["00000-dark.gif", "00001-dark.gif"]
    assert main(["sample", run, "-n", "3", "--out", str(tmp_path / "three.npz")]) == 0
    np.testing.assert_array_equal(np.load(tmp_path / "three.npz")["clips"], trained.sample(3))


def test_the_first_frames_of_a_clip_are_kept_and_those_that_follow_are_made(trained: sonde.Run, tmp_path: Path) -> None:
    given = blocks(1)[0]
    write_animated(tmp_path / "known.gif", [Image.fromarray(frame) for frame in given])
    words = ["sample", str(trained.folder), "-n", "2", "--known", str(tmp_path / "known.gif"), "--keep-frames", "2"]
    assert main([*words, "--out", f"{tmp_path}/next/"]) == 0
    for made in (tmp_path / "next").glob("*.gif"):
        found = read_clip(made, (FRAMES, 1, SIDE, SIDE))[:, 0]
        assert np.abs(found[:2].astype(int) - given[:2]).max() <= 1
        assert not np.array_equal(found[2:], given[2:])


def test_measures_stand_beside_those_of_real_clips(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez(tmp_path / "parts.npz", x_train=blocks(60), x_test=blocks(120)[60:])
    settings = {**SMALL, "clips": "yes", "task": "diffusion", "steps": 2}
    run = sonde.train(tmp_path / "parts.npz", out=tmp_path / "run", **settings)
    assert main(["eval", str(run.folder), str(tmp_path / "parts.npz"), "-n", "30", "--steps", "3"]) == 0
    told = capsys.readouterr().out
    for measure in ("speed distance", "unsteadiness distance", "time order", "told from shuffled"):
        assert measure in told
    found = read_json(run.folder / "evaluation" / "sample_quality.json")
    entry = {each["name"]: each for each in found["measures"]}
    assert entry["told_from_shuffled"]["real"] > 0.8
    assert entry["time_order"]["real"] < 0.85 < entry["time_order"]["value"]  # hardly trained: noise, without any order
    assert found["memorisation"]["in"] == "pixels of all frames"
    assert found["judge"] is None
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "Told from shuffled" in page
    assert "nearest training rows" in page
    assert "pixels a frame from real ones" in page


def test_an_interrupted_run_goes_on_to_the_last_bit(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {**SMALL, "task": "flow-matching", "steps": 6, "ema": 0.9, "checkpoint_every": "2 steps"}
    sonde.train(data, out=tmp_path / "straight", **settings)
    real = Stepper.__call__

    def dying(self: Stepper, batch: Any, *, step: int, epoch: int) -> Any:
        if step == 4:
            raise InterruptedError("pulled out")
        return real(self, batch, step=step, epoch=epoch)

    with monkeypatch.context() as patched:
        patched.setattr(Stepper, "__call__", dying)
        with pytest.raises(InterruptedError):
            sonde.train(data, out=tmp_path / "resumed", **settings)
    sonde.train(data, out=tmp_path / "resumed", **settings)
    one, two = (checkpoint.read(tmp_path / name / "checkpoints" / "last") for name in ("straight", "resumed"))
    assert same(one[0], two[0])
    assert same(one[1]["stepper"], two[1]["stepper"])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["--mask", "a.png"],
            "--mask is for images; of a clip, --keep-frames says how many of its first frames are kept",
        ),
        (["--known", "a.gif"], "--known needs --keep-frames: a clip, and how many of its first frames are kept"),
        (["--known", "a.gif", "--keep-frames", "5"], "--keep-frames must be 1 to 4 of a clip's 5 frames, got 5"),
        (["--known", "absent.gif", "--keep-frames", "2"], "absent.gif"),
        (["--out", "clips.png"], "clips are written to names ending in .gif or / or .npz"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(
    words: list[str], line: str, trained: sonde.Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", str(trained.folder), *words]) != 0
    told = capsys.readouterr().err
    assert line in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"task": "classification"}, "moving-digit holds clips, which task=.* learns from"),
        ({"task": "flow-matching", "model": "denoiser-unet"}, "take denoiser-video"),
        ({"task": "flow-matching", "heads": 0}, "heads= must divide each of widths=, .*: 0 leaves frames"),
    ],
)
def test_what_does_not_suit_clips_is_refused_in_a_line(settings: dict[str, Any], line: str, tmp_path: Path) -> None:
    with pytest.raises(sonde.SondeError, match=line) as told:
        sonde.train("moving-digit", out=tmp_path / "run", quiet=True, threads=1, **settings)
    assert "\n" not in str(told.value)
