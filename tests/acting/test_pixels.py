"""A game that is seen in pixels is learned."""

import json
from pathlib import Path
from typing import Any

import pytest

import sonde
from tests.acting.catch import Catch

COMMON: dict[str, Any] = {
    "threads": 1, "quiet": True, "seed": 1, "widths": (8, 16), "features": 64, "test_episodes": 50, "precision": "fp32",
    "films": False,
}  # fmt: skip
PLANS: dict[str, dict[str, Any]] = {
    "ppo": {
        "lr": 1e-3, "steps": 800, "rollout": 32, "batch_size": 64, "clip_range": 0.2, "evaluate_every": "400 steps",
        "act_sampled": False,
    },
    "dqn": {
        "lr": 1e-3, "steps": 2500, "replay": 10_000, "warmup_steps": 1000, "explore_steps": 5000, "target_every": 100,
        "train_every": 2, "batch_size": 32, "return_steps": 3, "explore_last": 0.02, "evaluate_every": "500 steps",
        "act_sampled": False,
    },
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("task", PLANS)
def test_a_ball_is_caught(task: str, tmp_path: Path) -> None:
    """Who always catches it earns 1, who does nothing -0.8."""
    run = sonde.train(Catch, task=task, out=tmp_path, **COMMON, **PLANS[task])
    assert run.metrics["return"] > 0.8


def test_in_bf16_actions_are_drawn_by_the_policy_that_learns(tmp_path: Path) -> None:
    """A rollout that is learned from at once was drawn by the same numbers: the ratio of both policies is one."""
    plan: dict[str, Any] = PLANS["ppo"] | {"steps": 6, "reuse": 1, "environments": 4, "batch_size": 128, "lr": 3e-3}
    again = {"precision": "bf16", "evaluate_every": "6 steps", "test_episodes": 2, "episodes": 2, "log_every": 1}
    sonde.train(Catch, task="ppo", out=tmp_path / "run", **COMMON | plan | again)
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["policy/kl"] for line in lines if line["kind"] == "step"] == pytest.approx([0.0] * 6, abs=1e-9)
