"""Actors and critics."""

import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.policy_gru import PolicyGRU, PolicyGRUConfig
from sonde.models.policy_mlp import PolicyMLP, PolicyMLPConfig
from sonde.nn.actor_critic import Actor, orthogonal, without_memory

SEEN = InputSpec(kind="environment", shape=(3,))
GRU = PolicyGRU(SEEN, 2, PolicyGRUConfig(hidden=(4,), width=5))


def test_weights_start_orthogonal_and_the_head_s_small() -> None:
    actor = Actor(GRU, 5, choices=(2,))
    orthogonal(actor, actor.head, 0.01)
    torch.testing.assert_close(actor.head.weight @ actor.head.weight.T, 1e-4 * torch.eye(2))
    first = GRU.layers[0].get_parameter("weight")
    torch.testing.assert_close(first.T @ first, 2 * torch.eye(3), atol=1e-5, rtol=0)
    for gate in GRU.gru.get_parameter("weight_hh_l0").chunk(3):
        torch.testing.assert_close(gate @ gate.T, torch.eye(5), atol=1e-5, rtol=0)
    biases = [value for name, value in actor.named_parameters() if "bias" in name]
    assert len(biases) == 4
    assert not any(bias.any() for bias in biases)


def test_one_part_several_and_numbers_have_actions_of_their_shapes() -> None:
    torso, random = nn.Identity(), torch.Generator().manual_seed(0)
    answer = torch.zeros(4, 3)
    one, two = Actor(torso, 3, choices=(3,)), Actor(torso, 3, choices=(1, 2))
    numbers = Actor(torso, 3, numbers=3)
    assert [tuple(actor.draw(answer, random).shape) for actor in (one, two, numbers)] == [(4,), (4, 2), (4, 3)]
    assert two.log_prob(answer, torch.zeros(4, 2, dtype=torch.int64)).tolist() == pytest.approx([-0.6931] * 4, abs=1e-4)


def test_a_network_that_remembers_is_refused_where_nothing_would_come_of_it() -> None:
    with pytest.raises(
        ConfigError, match="--task dqn does not learn from what came before an observation, which PolicyGRU"
    ):
        without_memory(GRU, "dqn")
    without_memory(PolicyMLP(SEEN, 2, PolicyMLPConfig()), "dqn")
