"""A policy that remembers does what another cannot."""

from pathlib import Path

import pytest

import sonde


@pytest.mark.slow
@pytest.mark.parametrize(("model", "low", "high"), [("policy-gru", 0.95, 1.0), ("policy-mlp", 0.3, 0.7)])
def test_what_was_shown_first_is_asked_for_last(model: str, low: float, high: float, tmp_path: Path) -> None:
    run = sonde.train(
        "gym:tests.acting.recall_env:Recall-v0",
        task="ppo",
        model=model,
        environments=16,
        rollout=16,
        batch_size=128,
        steps=480,
        evaluate_every="480 steps",
        test_episodes=100,
        threads=1,
        quiet=True,
        seed=1,
        out=tmp_path / "run",
    )
    assert low <= run.metrics["return"] <= high
