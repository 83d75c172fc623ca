"""Guidance by a weaker self: from runs and checkpoints, without classes too, and what does not fit."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sonde
from sonde.core.errors import SondeError

SMALL: dict[str, Any] = {"threads": 1, "quiet": True, "precision": "fp32", "batch_size": 16}
FLOW: dict[str, Any] = {**SMALL, "task": "flow-matching", "width": 16, "layers": 1, "model": "denoiser-mlp", "ema": 0.9}


def rows(number: int = 64, names: tuple[str, ...] = ("0", "1")) -> tuple[np.ndarray, np.ndarray]:
    """Points about (2, 2) and (-2, -2)."""
    target = np.arange(number) % 2
    points = np.random.default_rng(0).normal(size=(number, 2)) * 0.3 + (4 * target - 2)[:, None]
    return points.astype(np.float32), np.array(names)[target]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    sonde.train(rows(), out=folder / "strong", steps=120, lr=3e-3, checkpoint_every="10 steps", **FLOW)
    sonde.train(rows(), out=folder / "weak", steps=12, lr=3e-3, **{**FLOW, "width": 8})
    return {name: folder / name for name in ("strong", "weak")}


def test_guidance_leads_away_from_the_weaker_run(runs: dict[str, Path]) -> None:
    run = sonde.load(runs["strong"])
    plain = run.sample(40, seed=1)
    guided = run.sample(40, seed=1, guidance=2.0, weaker=runs["weak"])
    beside = sonde.load(runs["weak"]).sample(40, seed=1)
    assert not np.allclose(plain, guided)
    # farther from what the weaker run makes of the same noise
    assert np.abs(guided - beside).mean() > np.abs(plain - beside).mean()
    assert np.array_equal(guided, run.sample(40, seed=1, guidance=2.0, weaker=str(runs["weak"])))


def test_an_earlier_checkpoint_of_the_run_does(runs: dict[str, Path], tmp_path: Path) -> None:
    earlier = runs["strong"] / "checkpoints" / "previous"
    run = sonde.load(runs["strong"])
    guided = run.sample(8, seed=1, guidance=2.0, weaker=earlier)
    assert guided.shape == (8, 2)
    assert not np.array_equal(guided, run.sample(8, seed=1))
    shutil.copytree(runs["weak"] / "checkpoints" / "best", tmp_path / "other")
    with pytest.raises(SondeError, match='other" is no checkpoint of .*strong: its weights do not fit'):
        run.sample(2, guidance=2.0, weaker=tmp_path / "other")


def test_runs_without_classes_are_guided_too(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "rows.csv", rows()[0], delimiter=",", header="x,y", comments="")
    for name, steps in (("strong", 20), ("weak", 4)):
        sonde.train(tmp_path / "rows.csv", out=tmp_path / name, steps=steps, **FLOW)
    run = sonde.load(tmp_path / "strong")
    with pytest.raises(
        SondeError, match="was trained without classes; leave it out, or name a run that does worse with weaker="
    ):
        run.sample(3, guidance=2.0)
    assert run.sample(3, guidance=2.0, weaker=tmp_path / "weak").num_rows == 3


def test_what_does_not_fit_is_refused_in_a_line(runs: dict[str, Path], tmp_path: Path) -> None:
    sonde.train(rows(), out=tmp_path / "diffusion", steps=1, **{**FLOW, "task": "diffusion"})
    sonde.train(rows(names=("a", "b")), out=tmp_path / "named", steps=1, **FLOW)
    sonde.train((np.tile(rows()[0], 2), rows()[1]), out=tmp_path / "wide", steps=1, **FLOW)
    run = sonde.load(runs["strong"])
    cases = {
        "diffusion": "is a run of task diffusion, and",
        "named": "knows other classes than",
        "wide": "makes other inputs than",
        "none": "there is no run folder",
    }
    for name, line in cases.items():
        with pytest.raises(SondeError) as caught:
            run.sample(2, guidance=2.0, weaker=tmp_path / name)
        assert line in str(caught.value)
        assert "\n" not in str(caught.value)
    with pytest.raises(SondeError, match="has the weights of .*strong itself; name a shorter or smaller run"):
        run.sample(2, guidance=2.0, weaker=runs["strong"])
    with pytest.raises(SondeError, match="weaker= has no effect with guidance=1"):
        run.sample(2, weaker=runs["weak"])
