"""A run that acts and was stopped goes on to the last bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sonde
from sonde.engine import checkpoint
from sonde.engine.tree import same

SHORT: dict[str, Any] = {
    "threads": 1,
    "quiet": True,
    "seed": 3,
    "episodes": 1,
    "test_episodes": 1,
    "films": False,
    "schedule": "constant",
}
REPLAYED: dict[str, Any] = {"warmup_steps": 40, "batch_size": 16, "max_episode_steps": 15}
ATOMS: dict[str, Any] = {"atoms": 11, "value_range": (0.0, 20.0), "accumulate": 2}
PICTURES: dict[str, Any] = {
    "frame_size": 36,
    "frame_stack": 2,
    "features": 8,
    "sticky_actions": 0.25,
    "environments": 2,
}
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "ppo": ("gym:CartPole-v1", {"environments": 2, "rollout": 8, "reuse": 2, "batch_size": 8}),
    "ppo with memory": (
        "gym:Pendulum-v1",
        {"task": "ppo", "model": "policy-gru", "hidden": (4,), "width": 4, "max_episode_steps": 11}
        | {"environments": 4, "rollout": 8, "reuse": 2, "batch_size": 16, "target_kl": 1e-3},
    ),
    "a2c": ("gym:Pendulum-v1", {"environments": 2, "rollout": 4, "max_episode_steps": 11}),
    "reinforce": ("gym:CartPole-v1", {"environments": 2, "rollout_episodes": 2}),
    "dqn": (
        "gym:CartPole-v1",
        {**REPLAYED, "target_every": 7, "explore_steps": 5, "environments": 4, "return_steps": 3, "replay": 96}
        | {"updates_together": 4},
    ),
    "dqn, prioritised": (
        "gym:CartPole-v1",
        {**REPLAYED, "task": "dqn", "environments": 2, "replay": 64, "priority": 0.7, "priority_updates": 20, **ATOMS}
        | {"updates_together": 1},
    ),
    "td3": ("gym:Pendulum-v1", {**REPLAYED, "environments": 2, "return_steps": 2, "hidden": (8,)}),
    "alphazero": (
        "game:connect_four",
        {
            "environments": 4,
            "simulations": 6,
            "quick_simulations": 3,
            "full_share": 0.5,
            "window": 300,
            "batch_size": 16,
            "model": "policy-value-resnet",
            "width": 4,
            "layers": 1,
            "opponents": ("random", "earlier"),
            "episodes": 2,
            "test_episodes": 2,
        },
    ),
    "ppo, of pixels": (
        "atari:Breakout",
        {**PICTURES, "task": "ppo", "rollout": 8, "reuse": 2, "batch_size": 8, "max_episode_steps": 15},
    ),
    "dqn, of pixels": ("atari:Breakout", {**PICTURES, **REPLAYED, "task": "dqn", "replay": 64, "return_steps": 2}),
    "sac": ("gym:Pendulum-v1", {**REPLAYED, "hidden": (8,)}),
}


def last(folder: Path) -> Any:
    """The weights, and all that was met and is kept."""
    weights, state = checkpoint.read(folder / "checkpoints" / "last")
    return {"weights": dict(weights), "source": state["source"], "task": state["task"]}


@pytest.mark.parametrize("task", RUNS)
def test_weights_are_those_of_a_run_that_was_not_stopped(task: str, tmp_path: Path) -> None:
    name, settings = RUNS[task]
    given = {**SHORT, "task": task, **settings, "evaluate_every": "11 steps"}
    if name.startswith("game:"):
        del given["films"]  # which games do not have
    sonde.train(name, out=tmp_path / "straight", steps=29, **given)
    sonde.train(name, out=tmp_path / "stopped", steps=13, **given)
    sonde.resume(tmp_path / "stopped", steps=29)
    assert same(last(tmp_path / "straight"), last(tmp_path / "stopped"))


@pytest.mark.parametrize(("task", "numbers"), [("cloning", False), ("cql", False), ("cql", True)])
def test_so_are_those_of_a_run_that_learns_from_a_log(task: str, numbers: bool, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    name, shown = ("gym:Pendulum-v1", 3) if numbers else ("gym:CartPole-v1", 4)
    actions = random.uniform(-2, 2, (120, 1)) if numbers else random.integers(0, 2, 120)
    over = np.arange(120) % 12 == 11
    np.savez(
        tmp_path / "log.npz",
        observations=random.normal(size=(120, shown)), actions=actions, rewards=random.normal(size=120),
        terminated=over, truncated=np.zeros(120, bool), environment=np.array(name),
    )  # fmt: skip
    given = {**SHORT, "task": task, "batch_size": 16, "evaluate_every": "11 steps"}
    sonde.train(tmp_path / "log.npz", out=tmp_path / "straight", steps=29, **given)
    sonde.train(tmp_path / "log.npz", out=tmp_path / "stopped", steps=13, **given)
    sonde.resume(tmp_path / "stopped", steps=29)
    assert same(last(tmp_path / "straight"), last(tmp_path / "stopped"))
