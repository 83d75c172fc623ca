"""An actor and a critic that read the same features."""

import pytest
import torch

from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.models.policy_cnn import PolicyCNN, PolicyCNNConfig
from sonde.models.policy_gru import PolicyGRU, PolicyGRUConfig
from sonde.tasks.on_policy import Policy
from sonde.tasks.ppo.config import PPOConfig
from sonde.tasks.ppo.task import PPO

PIXELS = InputSpec(kind="environment", shape=(4, 84, 84))
PONG = TargetSpec(kind="action", names=tuple("012345"))


def task(*, share: bool) -> PPO:
    torch.manual_seed(0)
    return PPO(PolicyCNN(PIXELS, 0, PolicyCNNConfig()), PONG, PPOConfig(share_layers=share), input=PIXELS)


def numbers(task: PPO) -> int:
    return sum(each.numel() for each in task.modules.parameters())


def test_ppo_on_pong_has_as_many_weights_as_published() -> None:
    """CleanRL's agent: 1,684,128 below 6 logits and a value; twice that where nothing is shared."""
    heads = 512 * 6 + 6 + 512 + 1
    assert numbers(task(share=True)) == 1_684_128 + heads == 1_687_719
    assert numbers(task(share=False)) == 2 * 1_684_128 + heads


def test_layers_are_orthogonal_and_heads_small() -> None:
    policy = task(share=True).policy
    first = policy.actor.torso.get_parameter("convolutions.0.weight").flatten(1)
    torch.testing.assert_close(first @ first.T, 2 * torch.eye(32))
    torch.testing.assert_close(policy.actor.head.weight @ policy.actor.head.weight.T, 1e-4 * torch.eye(6))
    assert policy.critic is not None
    assert float(policy.critic.head.weight.detach().norm()) == pytest.approx(1)


@torch.no_grad()
def test_what_is_remembered_of_an_action_is_what_is_judged_of_it_later() -> None:
    found = task(share=True)
    seen = torch.randint(0, 256, (5, 4, 84, 84), dtype=torch.uint8)
    decided = found.policy.act(seen, torch.Generator().manual_seed(1))
    judged = found.policy.judge(Batch({"observation": seen, "action": decided["action"]}, torch.arange(5)))
    assert judged.value is not None
    torch.testing.assert_close(judged.log_prob, decided["log_prob"])
    torch.testing.assert_close(judged.value, decided["value"])
    torch.testing.assert_close(found.policy.value(seen), decided["value"])


def test_both_losses_reach_the_shared_layers() -> None:
    found = task(share=True)
    seen = torch.randint(0, 256, (4, 4, 84, 84), dtype=torch.uint8)
    judged = found.policy.judge(
        Batch({"observation": seen, "action": torch.zeros(4, dtype=torch.int64)}, torch.arange(4))
    )
    assert judged.value is not None
    weight = found.policy.actor.torso.get_parameter("convolutions.0.weight")
    for loss in (judged.value.sum(), judged.log_prob.sum()):
        assert torch.autograd.grad(loss, weight, retain_graph=True)[0].abs().sum() > 0


def test_a_network_that_remembers_shares_nothing() -> None:
    rows = InputSpec(kind="environment", shape=(3,))
    with pytest.raises(ConfigError, match="--share-layers is of networks without a memory"):
        Policy(PolicyGRU(rows, 0, PolicyGRUConfig()), PONG, rows, scale_observations=True, share=True)
