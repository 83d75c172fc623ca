"""Features of observations."""

import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.policy_mlp import PolicyMLP, PolicyMLPConfig

SEEN = InputSpec(kind="environment", shape=(3,))


def test_it_is_layers_with_what_follows_them() -> None:
    torch.manual_seed(0)
    seen = torch.randn(5, 3)
    for activation, function in (("tanh", torch.tanh), ("relu", torch.relu)):
        model = PolicyMLP(SEEN, 2, PolicyMLPConfig(hidden=(7, 6), activation=activation))  # type: ignore[arg-type]
        first, second = model.layers
        expected = function(second(function(first(seen))))
        torch.testing.assert_close(model(seen), expected)
        assert model.features == expected.shape[1] == 6


def test_another_reads_numbers_beside_and_has_weights_of_its_own() -> None:
    model = PolicyMLP(SEEN, 2, PolicyMLPConfig(hidden=(7,)))
    other = model.reading(2)
    seen, action = torch.randn(5, 3), torch.randn(5, 2)
    torch.testing.assert_close(other(seen, action), other.layers[0](torch.cat([seen, action], 1)).tanh())
    assert other.layers[0].weight.shape == (7, 5)
    assert not other.layers[0].weight[:, :3].equal(model.layers[0].weight)


@pytest.mark.parametrize("hidden", [(), (3, 0)])
def test_a_network_without_units_is_refused(hidden: tuple[int, ...]) -> None:
    with pytest.raises(ConfigError, match="--hidden takes at least one layer"):
        PolicyMLPConfig(hidden=hidden)
