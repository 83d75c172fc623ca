"""The network of deep Q-learning on Atari."""

import pytest
import torch
import torch.nn.functional as F

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.policy_cnn import PolicyCNN, PolicyCNNConfig


def network(*shape: int, beside: int = 0) -> PolicyCNN:
    return PolicyCNN(InputSpec(kind="environment", shape=shape), 0, PolicyCNNConfig(), beside=beside)


def test_it_has_the_published_number_of_weights() -> None:
    """8,224 + 32,832 + 36,928 + 1,606,144, as of the network of Mnih et al. 2015 without its last layer."""
    assert sum(each.numel() for each in network(4, 84, 84).parameters()) == 1_684_128


def test_it_is_what_the_paper_describes() -> None:
    one, seen = network(4, 84, 84), torch.rand(2, 4, 84, 84)
    first, second, third = ((each.get_parameter("weight"), each.get_parameter("bias")) for each in one.convolutions)
    hidden = F.relu(F.conv2d(seen, *first, stride=4))
    hidden = F.relu(F.conv2d(hidden, *second, stride=2))
    hidden = F.relu(F.conv2d(hidden, *third))
    assert hidden.shape == (2, 64, 7, 7)
    torch.testing.assert_close(one(seen), F.relu(one.layer(hidden.flatten(1))))


def test_bytes_are_shares_of_white() -> None:
    one, seen = network(1, 36, 40), torch.randint(0, 256, (3, 1, 36, 40), dtype=torch.uint8)
    torch.testing.assert_close(one(seen), one(seen.float() / 255))


def test_it_reads_numbers_beside_pictures() -> None:
    one = network(3, 96, 96).reading(2)
    seen = torch.rand(4, 3, 96, 96)
    assert one(seen, torch.zeros(4, 2)).shape == (4, 512)
    assert not torch.equal(one(seen, torch.zeros(4, 2)), one(seen, torch.ones(4, 2)))


def test_what_it_cannot_read_names_what_can() -> None:
    with pytest.raises(ConfigError, match=r"at least 36x36 pixels, and these are 10x10; take policy-impala"):
        network(4, 10, 10)
    with pytest.raises(
        ConfigError, match=r"policy-cnn reads pixels, and observations here are 4 numbers; take policy-mlp"
    ):
        network(4)
