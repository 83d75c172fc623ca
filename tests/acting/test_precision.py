"""Every task that acts does so in bf16 as well."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sonde
from tests.acting.small_environments import Pulled, Walk

SHORT: dict[str, Any] = {
    "threads": 1, "quiet": True, "precision": "bf16", "hidden": (8,), "environments": 2, "episodes": 2, "test_episodes": 2,
    "steps": 4, "evaluate_every": "2 steps",
}  # fmt: skip
ROLLOUT: dict[str, Any] = {"rollout": 4}
REPLAY: dict[str, Any] = {"warmup_steps": 12, "batch_size": 8}
GAME: dict[str, Any] = {"model": "policy-value-mlp", "batch_size": 8, "simulations": 4, "opponents": ("random",)}


@pytest.mark.parametrize(
    ("data", "task", "more"),
    [
        (Walk, "ppo", {**ROLLOUT, "batch_size": 8}),
        (Pulled, "ppo", {**ROLLOUT, "batch_size": 8}),
        (Walk, "a2c", ROLLOUT),
        (Walk, "reinforce", {}),
        (Walk, "dqn", REPLAY),
        (Walk, "dqn", {**REPLAY, "atoms": 5, "value_range": (0.0, 5.0), "priority": 0.6}),
        (Pulled, "sac", REPLAY),
        (Pulled, "td3", REPLAY),
        ("game:tic_tac_toe", "alphazero", GAME),
    ],
)
def test_a_run_learns_acts_and_is_evaluated(data: Any, task: str, more: dict[str, Any], tmp_path: Path) -> None:
    run = sonde.train(data, task=task, out=tmp_path / "run", **SHORT, **more)
    headline = "score" if task == "alphazero" else "return"
    assert np.isfinite(run.metrics[headline])
    if task != "alphazero":
        assert run.policy()(data().reset(seed=0)[0]) in data().action_space
