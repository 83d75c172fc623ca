"""Proximal policy optimisation: its loss by hand, and its optional parts."""

from typing import Any

import pytest
import torch

from sonde.core.batch import Batch
from sonde.core.records import StepRecord
from sonde.tasks.ppo.config import PPOConfig
from sonde.tasks.ppo.task import PPO
from tests.acting.policies import gradient, rollout, task


def moved(batch: Batch, by: float) -> Batch:
    """As if every action had been e^by times less likely when it was taken."""
    return Batch({**batch.fields, "log_prob": batch["log_prob"] - by}, batch.index)


def of_actor(made: Any, batch: Batch) -> float:
    return float(gradient(made, batch)[0].abs().max())


def test_an_action_that_moved_far_enough_earns_nothing_more() -> None:
    """Equation 7: beyond 1 + clip only what would have been better lower still counts."""
    made = task(PPO, PPOConfig(scale_advantages=False, value_weight=0.0, entropy_weight=0.0))
    batch = rollout(made.policy)
    better = Batch({**batch.fields, "advantage": batch["advantage"].abs()}, batch.index)
    worse = Batch({**batch.fields, "advantage": -batch["advantage"].abs()}, batch.index)
    assert of_actor(made, moved(better, 0.1)) > 0 == of_actor(made, moved(better, 0.3))
    assert of_actor(made, moved(worse, 0.3)) > 0 == of_actor(made, moved(worse, -0.3))


def test_the_parts_of_the_loss_are_those_of_their_formulas() -> None:
    made = task(PPO, PPOConfig(scale_advantages=False, entropy_weight=0.0))
    batch = moved(rollout(made.policy), 0.3)
    parts = made.loss(batch).parts
    ratio = torch.tensor(0.3).double().exp()
    assert float(parts["kl"]) == pytest.approx(float(ratio - 1 - 0.3), rel=1e-6)
    assert float(parts["clipped"]) == 1.0
    clipped = torch.minimum(ratio * batch["advantage"], 1.2 * batch["advantage"])
    assert float(parts["policy"]) == pytest.approx(-float(clipped.mean()), rel=1e-6)
    assert float(parts["value"]) == pytest.approx(float(batch["advantage"].square().mean()) / 2)


def test_standardised_advantages_do_not_know_the_size_of_rewards() -> None:
    made = task(PPO, PPOConfig(value_weight=0.0))
    batch = rollout(made.policy)
    other = Batch({**batch.fields, "advantage": 100 * batch["advantage"] + 7}, batch.index)
    torch.testing.assert_close(gradient(made, batch)[0], gradient(made, other)[0], rtol=1e-5, atol=1e-8)


def test_passes_end_once_the_policy_moved_too_far() -> None:
    made = task(PPO, PPOConfig(target_kl=0.02))
    enough = made.abilities.acting.enough
    for kl, expected in ((0.01, False), (0.029, False), (0.031, True), (0.0, False)):
        made.after_step(StepRecord(1, 0, 12, {"policy/kl": kl}, {}, 0.1))
        assert enough() is expected
        again = task(PPO, PPOConfig(target_kl=0.02))
        again.load_state_dict(made.state_dict())
        assert again.abilities.acting.enough() is expected
    assert task(PPO, PPOConfig()).abilities.acting.enough is None
