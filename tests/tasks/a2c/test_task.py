"""A2C beside PPO: the same where probabilities have not moved yet (Huang et al. 2022, arXiv:2205.09123)."""

import pytest
import torch

from sonde.core.dataset import TargetSpec
from sonde.tasks.a2c.config import A2CConfig
from sonde.tasks.a2c.task import A2C
from sonde.tasks.ppo.config import PPOConfig
from sonde.tasks.ppo.task import PPO
from tests.acting.policies import CHOICE, gradient, rollout, same_weights, task

PARTS = TargetSpec(kind="actions", names=("a", "b"), shape=(2, 3), mean=(0.0, 0.0))
NUMBERS = TargetSpec(kind="control", names=("a", "b"), mean=(0.0, 0.0), std=(1.0, 1.0))


@pytest.mark.parametrize("target", [CHOICE, PARTS, NUMBERS], ids=lambda target: target.kind)
@pytest.mark.parametrize("scaled", [False, True])
def test_its_gradient_is_that_of_the_first_update_of_ppo(target: TargetSpec, scaled: bool) -> None:
    one = task(A2C, A2CConfig(scale_advantages=scaled, entropy_weight=0.1), target)
    other = task(PPO, PPOConfig(scale_advantages=scaled, entropy_weight=0.1), target)
    same_weights(one.policy, other.policy)
    batch = rollout(one.policy)
    for a, b in zip(gradient(one, batch), gradient(other, batch), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
        assert a.abs().max() > 1e-6
