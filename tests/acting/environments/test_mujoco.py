"""MuJoCo's environments; what needs the library is skipped without it."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

import sonde
from sonde.acting.environments import mujoco
from sonde.acting.environments.gym import GymEnvironment
from sonde.engine import checkpoint
from sonde.engine.tree import same

gymnasium = pytest.importorskip("gymnasium")
NAME = "Hopper-v5"
SHORT: dict[str, Any] = {"threads": 1, "quiet": True, "episodes": 1, "test_episodes": 1, "schedule": "constant"}
SHORT |= {"hidden": (8,), "max_episode_steps": 40, "evaluate_every": "9 steps"}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to be in, where MuJoCo is there."""
    for name in mujoco.NEEDED:
        pytest.importorskip(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_making_one_prints_nothing_and_leaves_no_file(installed: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The model of HalfCheetah-v5 is written in a way that newer versions of MuJoCo warn of."""
    GymEnvironment(name="HalfCheetah-v5")().close()
    assert capfd.readouterr() == ("", "")
    assert list(installed.iterdir()) == []


@pytest.mark.parametrize(
    ("task", "settings"),
    [
        ("sac", {"warmup_steps": 30, "batch_size": 16}),
        ("ppo", {"environments": 2, "rollout": 16, "reuse": 2, "batch_size": 16}),
    ],
)
def test_a_run_that_was_stopped_goes_on_to_the_last_bit(task: str, settings: dict[str, Any], installed: Path) -> None:
    given = {**SHORT, "films": False, "task": task, **settings}
    sonde.train(f"gym:{NAME}", out="straight", steps=21, **given)
    sonde.train(f"gym:{NAME}", out="stopped", steps=11, **given)
    sonde.resume("stopped", steps=21)
    straight, stopped = (checkpoint.read(Path(run, "checkpoints", "last")) for run in ("straight", "stopped"))
    assert same(dict(straight[0]), dict(stopped[0]))
    assert same(straight[1]["source"], stopped[1]["source"])


@pytest.mark.parametrize("by", ["", "no-such-thing"])
def test_a_film_is_made_or_why_there_is_none_is_told(by: str, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("imageio_ffmpeg")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "MUJOCO_GL"):
        monkeypatch.delenv(name, raising=False)
    if by:
        monkeypatch.setenv("MUJOCO_GL", by)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sonde.train(f"gym:{NAME}", out="run", steps=2, task="sac", warmup_steps=20, batch_size=8, **SHORT)
    found = json.loads(Path("run", "evaluation", "test", "films.json").read_text())
    assert bool(found["films"]) != bool(found["why"])
    assert not (by and found["films"])
    assert "\n" not in found["why"]
