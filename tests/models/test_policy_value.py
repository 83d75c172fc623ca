"""Networks that judge positions: what comes out, and that every weight learns."""

import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build
from sonde.models.policy_value import PolicyValueMLPConfig, PolicyValueResNetConfig

BOARD = InputSpec(kind="environment", shape=(2, 6, 7))


@pytest.mark.parametrize("name", ["policy-value-resnet", "policy-value-mlp"])
def test_logits_of_moves_and_ends_come_out_and_every_weight_learns(name: str) -> None:
    torch.manual_seed(0)
    network = build(name, BOARD, 7)
    found = network(torch.randn(5, 2, 6, 7))
    assert found.shape == (5, 10)
    found.square().sum().backward()
    assert [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_the_residual_network_has_as_many_weights_as_its_layers_say() -> None:
    network = build("policy-value-resnet", BOARD, 7, PolicyValueResNetConfig(width=16, layers=2))
    trunk = 2 * 16 * 9 + 2 * 16 + 2 * 2 * (16 * 16 * 9 + 2 * 16)
    heads = 16 * 8 + 16 + (8 * 42 + 1) * 7 + 16 * 4 + 8 + (4 * 42 + 1) * 64 + 65 * 3
    assert sum(p.numel() for p in network.parameters()) == trunk + heads


def test_boards_are_seen_by_convolutions_and_rows_of_numbers_are_not() -> None:
    with pytest.raises(ConfigError, match="sees boards, planes by height and width"):
        build("policy-value-resnet", InputSpec(kind="environment", shape=(17,)), 14)
    assert build("policy-value-mlp", InputSpec(kind="environment", shape=(17,)), 14)(torch.zeros(2, 17)).shape == (
        2,
        17,
    )


def test_hidden_layers_are_checked() -> None:
    with pytest.raises(ConfigError, match="--hidden takes at least one layer"):
        PolicyValueMLPConfig(hidden=())
