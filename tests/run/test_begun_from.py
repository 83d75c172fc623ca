"""Tasks of several networks that begin from those of another run."""

from pathlib import Path
from typing import Any

import pytest
import torch

import sonde
from sonde.core.config_file import read_config
from sonde.core.errors import ConfigError
from sonde.core.files import read_json
from sonde.engine import checkpoint

CARTPOLE = "gym:CartPole-v1"
SHORT: dict[str, Any] = {
    "threads": 1, "quiet": True, "doctor": False, "films": False, "episodes": 1, "test_episodes": 1, "schedule": "constant",
}  # fmt: skip
PPO: dict[str, Any] = {"task": "ppo", "environments": 2, "rollout": 8, "reuse": 1, "batch_size": 16, "hidden": (6,)}
STILL: dict[str, Any] = {"steps": 1, "lr": 1e-12}
"""An update that moves nothing to speak of."""


def weights(run: sonde.Run) -> dict[str, torch.Tensor]:
    return checkpoint.read(run.folder / "checkpoints" / "best")[0]


def lines(run: sonde.Run) -> list[str]:
    return read_json(run.folder / "plan.json")["lines"]


def alike(after: torch.Tensor, before: torch.Tensor) -> bool:
    return torch.allclose(after, before, atol=1e-6)


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> sonde.Run:
    return sonde.train(CARTPOLE, out=tmp_path_factory.mktemp("before") / "run", steps=4, lr=0.01, **PPO, **SHORT)


def test_a_run_of_the_same_task_gives_all_it_has(before: sonde.Run, tmp_path: Path) -> None:
    given = {name: value for name, value in PPO.items() if name != "hidden"}  # which the run tells
    run = sonde.train(CARTPOLE, out=tmp_path / "run", pretrained=before.folder, **given, **SHORT, **STILL)
    old, new = weights(before), weights(run)
    assert old.keys() == new.keys()
    learned = [name for name in old if name.startswith(("actor", "critic"))]
    assert all(alike(new[name], old[name]) for name in learned)
    assert new["observations.count"] == old["observations.count"] > 0
    (line,) = [line for line in lines(run) if line.startswith("weights of ")]
    assert line.endswith(
        "(ppo on gym:CartPole-v1): actor, critic, scaling of observations, scale of rewards (12 tensors)"
    )
    assert "optimiser, exploration and experience begin anew" in lines(run)


def test_the_rate_is_that_of_a_new_run(before: sonde.Run, tmp_path: Path) -> None:
    run = sonde.train(CARTPOLE, out=tmp_path / "run", pretrained=before.folder, steps=1, **PPO, **SHORT)
    new = sonde.train(CARTPOLE, out=tmp_path / "new", steps=1, **PPO, **SHORT)
    assert (
        read_config(run.folder / "config.yaml").settings["lr"] == read_config(new.folder / "config.yaml").settings["lr"]
    )


def test_a_policy_that_was_cloned_learns_on_and_the_critic_begins_anew(before: sonde.Run, tmp_path: Path) -> None:
    before.evaluate(episodes=4, log=tmp_path / "log.npz")
    cloned = sonde.train(
        tmp_path / "log.npz", out=tmp_path / "cloned", task="cloning", steps=3, batch_size=8, hidden=(5,), **SHORT
    )
    run = sonde.train(
        CARTPOLE, out=tmp_path / "run", pretrained=cloned.folder, **{**PPO, "hidden": (5,)}, **SHORT, **STILL
    )
    old, new = weights(cloned), weights(run)
    assert alike(new["actor.head.weight"], old["head.weight"])
    assert alike(new["actor.torso.layers.0.weight"], old["torso.torso.layers.0.weight"])
    assert new["observations.count"] == old["torso.norm.count"] > 0
    assert "critic and scale of rewards as in a new run: that run has none that fits" in lines(run)


@pytest.mark.parametrize(
    ("data", "given"),
    [
        ("gym:Pendulum-v1", {"task": "sac", "hidden": (6,), "warmup_steps": 20, "batch_size": 8}),
        ("game:tic_tac_toe", {"environments": 2, "simulations": 2, "hidden": (8,), "opponents": ["random"]}),
    ],
)
def test_other_tasks_begin_from_their_own(data: str, given: dict[str, Any], tmp_path: Path) -> None:
    more = {name: value for name, value in SHORT.items() if name != "films" or data.startswith("gym")}
    first = sonde.train(data, out=tmp_path / "first", steps=2, **given, **more)
    second = sonde.train(data, out=tmp_path / "second", pretrained=first.folder, **given, **more, **STILL)
    old, new = weights(first), weights(second)
    assert old.keys() == new.keys()
    assert all(
        alike(new[name], old[name]) for name in old if not name.startswith("target") and new[name].is_floating_point()
    )


@pytest.mark.parametrize(
    ("data", "given", "words"),
    [
        (CARTPOLE, {**PPO, "hidden": (3,)}, r"shape 6x4 in the run and 3x4 .*that run has hidden=6 \(here 3\)"),
        (
            CARTPOLE,
            {"task": "dqn"},
            'is a run of task ppo, from which task="dqn" takes nothing; give a run of task dqn',
        ),
        ("gym:Acrobot-v1", PPO, "chose among 2 actions, and here are 3 actions"),
        (CARTPOLE, {**PPO, "share_layers": True}, r"that run has share_layers=False \(here True\)"),
    ],
)
def test_what_does_not_fit_is_refused(
    before: sonde.Run, tmp_path: Path, data: str, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError, match=words):
        sonde.train(data, out=tmp_path / "run", pretrained=before.folder, steps=1, **given, **SHORT)
    assert not (tmp_path / "run").exists()


def test_a_file_is_no_run(before: sonde.Run, tmp_path: Path) -> None:
    """Its weights would be drawn anew as the task is built."""
    file = before.folder / "checkpoints" / "best" / "weights.safetensors"
    with pytest.raises(ConfigError, match='task="ppo" begins from another run: give its folder'):
        sonde.train(CARTPOLE, out=tmp_path / "run", pretrained=file, steps=1, **PPO, **SHORT)
