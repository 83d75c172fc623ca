"""Networks that follow others, and two critics of which the lower counts."""

import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.models.policy_mlp import PolicyMLP, PolicyMLPConfig
from sonde.nn.twin_critics import TwinCritics, follow, following


def test_a_target_moves_by_its_share_and_is_not_trained() -> None:
    network = nn.Linear(3, 2)
    target = following(network)
    with torch.no_grad():
        network.weight += 1.0
    before = target.get_parameter("weight").clone()
    follow(target, network, 0.25)
    torch.testing.assert_close(target.get_parameter("weight"), before + 0.25)
    assert not any(parameter.requires_grad for parameter in target.parameters())


def test_the_lower_of_both_counts() -> None:
    torch.manual_seed(0)
    torso = PolicyMLP(InputSpec(kind="environment", shape=(3,)), 1, PolicyMLPConfig(hidden=(8,)))
    critics = TwinCritics(torso.reading(2), torso.reading(2), 8)
    seen, action = torch.randn(50, 3), torch.randn(50, 2)
    first, second = critics(seen, action)
    assert (first < second).any()
    assert (first > second).any()
    torch.testing.assert_close(critics.lower(seen, action), torch.where(first < second, first, second))
