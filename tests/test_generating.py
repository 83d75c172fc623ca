"""Tasks that make inputs: the whole way, from data to samples, as a user goes it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import sonde
from sonde.cli.main import main
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from sonde.engine import checkpoint
from sonde.engine.tree import same

SMALL: dict[str, Any] = {
    "threads": 1,
    "quiet": True,
    "precision": "fp32",
    "batch_size": 32,
    "widths": (8, 16),
    "heads": 0,
}
TASKS = pytest.mark.parametrize("task", ["diffusion", "flow-matching"])


def discs(number: int = 96) -> tuple[np.ndarray, np.ndarray]:
    """Bright discs on a dark ground, small ones (class 0) and large ones (class 1), of 8 x 8 pixels."""
    random, target = np.random.default_rng(0), np.arange(number) % 2
    place = np.arange(8) - 3.5
    apart = np.hypot(place[None, :, None] - random.uniform(-1, 1, (number, 1, 1)), place[None, None, :])
    return (np.where(apart < 1.5 + 1.5 * target[:, None, None], 220, 20)).astype(np.uint8), target


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, sonde.Run]:
    folder = tmp_path_factory.mktemp("trained")
    return {
        task: sonde.train(discs(), out=folder / task, task=task, epochs=60, lr=3e-3, ema=0.95, **SMALL)
        for task in ("diffusion", "flow-matching")
    }


@TASKS
def test_samples_are_like_the_data_of_their_class(task: str, trained: dict[str, sonde.Run]) -> None:
    images, target = discs()
    bright = (images > 120).mean((1, 2))
    made = trained[task].sample(40, classes=["0"], seed=1), trained[task].sample(40, classes=["1"], seed=1)
    assert made[0].shape == (40, 8, 8)
    assert made[0].dtype == np.uint8
    for label in (0, 1):
        share = float((made[label] > 120).mean())
        assert share == pytest.approx(float(bright[target == label].mean()), abs=0.12)


@TASKS
def test_sampling_is_by_its_seed_alone_and_changes_nothing(task: str, trained: dict[str, sonde.Run]) -> None:
    run = trained[task]
    before, state = {k: v.clone() for k, v in run.task.modules.state_dict().items()}, torch.get_rng_state()
    first, more, other = run.sample(4, seed=5), run.sample(6, seed=5), run.sample(4, seed=6)
    assert np.array_equal(first, more[:4])
    assert not np.array_equal(first, other)
    assert torch.equal(state, torch.get_rng_state())
    assert same(before, run.task.modules.state_dict())


@TASKS
def test_evaluating_more_often_changes_nothing_that_is_learned(task: str, tmp_path: Path) -> None:
    settings = {**SMALL, "task": task, "epochs": 2, "ema": 0.9}
    for name, often in (("rarely", 2.0), ("often", 0.25)):
        sonde.train(discs(), out=tmp_path / name, evaluate_every=often, **settings)
    one, two = (checkpoint.read(tmp_path / name / "checkpoints" / "last")[0] for name in ("rarely", "often"))
    assert same(one, two)


@TASKS
def test_the_report_shows_samples_and_the_loss_by_noise(task: str, trained: dict[str, sonde.Run]) -> None:
    folder = trained[task].folder / "evaluation" / trained[task].evaluated_on
    told = read_json(folder / "samples.json")
    assert told["classes"] == ["0", "1"]
    with Image.open(folder / told["picture"]) as picture:
        assert picture.size[0] > 100
    page = (trained[task].folder / "report.html").read_text(encoding="utf-8")
    assert "New inputs that the best checkpoint made" in page
    assert "Loss by noise level" in page
    assert len(read_json(folder / "noise_levels.json")) > 2


@TASKS
def test_a_loaded_run_makes_the_same_samples(task: str, trained: dict[str, sonde.Run]) -> None:
    again = sonde.load(trained[task].folder)
    assert np.array_equal(again.sample(3, seed=2), trained[task].sample(3, seed=2))


def test_the_command_writes_a_picture_a_folder_and_between_two(trained: dict[str, sonde.Run], tmp_path: Path) -> None:
    run = str(trained["flow-matching"].folder)
    assert (
        main(["sample", run, "-n", "6", "--class", "1", "--guidance", "1.5", "--out", str(tmp_path / "six.png")]) == 0
    )
    with Image.open(tmp_path / "six.png") as picture:
        assert picture.mode == "L"
    assert main(["sample", run, "-n", "3", "--out", f"{tmp_path}/three/"]) == 0
    assert sorted(each.name for each in (tmp_path / "three").glob("*.png")) == [
        "00000-0.png",
        "00001-1.png",
        "00002-0.png",
    ]
    assert main(["sample", run, "-n", "5", "--interpolate", "--out", f"{tmp_path}/between/"]) == 0
    assert len(list((tmp_path / "between").glob("*.png"))) == 5


def test_a_part_of_an_image_is_kept_and_the_rest_is_made(trained: dict[str, sonde.Run], tmp_path: Path) -> None:
    images, _ = discs()
    Image.fromarray(images[0]).save(tmp_path / "known.png")
    white = np.zeros((8, 8), np.uint8)
    white[:, 4:] = 255
    Image.fromarray(white).save(tmp_path / "mask.png")
    words = ["sample", str(trained["diffusion"].folder), "-n", "2", "--out", f"{tmp_path}/made/"]
    assert main([*words, "--known", str(tmp_path / "known.png"), "--mask", str(tmp_path / "mask.png")]) == 0
    for made in (tmp_path / "made").glob("*.png"):
        with Image.open(made) as opened:
            found = np.asarray(opened)
        assert np.abs(found[:, :4].astype(int) - images[0][:, :4]).max() <= 1
        assert not np.array_equal(found[:, 4:], images[0][:, 4:])


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["-n", "0"], "--number must be at least 1, got 0"),
        (["--classes", "7"], "unknown class '7'"),
        (["--steps", "-1"], "--steps must be at least 1, or 0 for the task's own 20, got -1; leave it out"),
        (["--sampler", "ddim"], "unknown sampler 'ddim'"),
        (["--interpolate", "-n", "1"], "--interpolate goes from one sample to another; give --number 2 or more"),
        (["--known", "a.png"], "--known needs --mask"),
        (["--out", "samples.csv"], "images are written to names ending in .png or /"),
        (["--guidance", "nan"], "--guidance must be finite"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_line(
    words: list[str], line: str, trained: dict[str, sonde.Run], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sample", str(trained["flow-matching"].folder), *words]) != 0
    told = capsys.readouterr().err
    assert line in told
    assert "Traceback" not in told


def test_a_classifier_makes_no_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = sonde.train(discs(), model="mlp", hidden=(8,), epochs=1, threads=1, quiet=True, out=tmp_path / "run")
    assert main(["sample", str(run.folder)]) != 0
    told = capsys.readouterr().err
    assert "makes no new inputs: it is a run of task classification; train one with --task diffusion or" in told


def test_without_classes_none_can_be_chosen(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number, image in enumerate(discs(60)[0]):
        Image.fromarray(image).save(folder / f"{number}.png")
    run = sonde.train(folder, task="flow-matching", epochs=1, out=tmp_path / "run", **SMALL)
    assert run.sample(2).shape == (2, 8, 8)
    with pytest.raises(ConfigError, match="this run was trained without classes; leave it out"):
        run.sample(2, classes=["0"])
    with pytest.raises(ConfigError, match="guidance"):
        run.sample(2, guidance=2.0)


def test_samples_that_are_not_finite_are_no_black_pictures(trained: dict[str, sonde.Run]) -> None:
    run = sonde.load(trained["diffusion"].folder)
    with torch.no_grad():
        next(run.task.modules.parameters()).fill_(float("nan"))
    with pytest.raises(sonde.SondeError, match="3 of 3 samples hold numbers that are not finite"):
        run.sample(3)
