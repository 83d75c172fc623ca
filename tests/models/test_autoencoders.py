import pytest
import torch

from sonde.core.dataset import Column, InputSpec
from sonde.core.errors import ConfigError
from sonde.models.autoencoder_cnn import AutoencoderCNN, AutoencoderCNNConfig
from sonde.models.autoencoder_mlp import AutoencoderMLP, AutoencoderMLPConfig


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (2, 13, 9)])
def test_images_of_any_size_come_back_in_theirs(shape: tuple[int, ...]) -> None:
    network = AutoencoderCNN(InputSpec(kind="image", shape=shape), 0, AutoencoderCNNConfig(widths=(8, 16)))
    input = torch.randn(2, *shape)
    code = network.encode(input)
    assert code.shape[1:] == network.code == (16, -(-shape[1] // 4), -(-shape[2] // 4))
    assert network.decode(code).shape == input.shape
    torch.testing.assert_close(network(input)[:1], network(input[:1]))  # of a row alone
    network(input).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in network.parameters())


def test_dense_layers_mirror_one_another() -> None:
    network = AutoencoderMLP(InputSpec(kind="array", shape=(7,)), 0, AutoencoderMLPConfig(hidden=(5, 4)))
    sizes = [(m.in_features, m.out_features) for m in network.modules() if isinstance(m, torch.nn.Linear)]
    assert sizes == [(7, 5), (5, 4), (4, 5), (5, 7)]
    assert network(torch.randn(3, 7)).shape == (3, 7)
    assert not isinstance(list(network.decoder)[-1], torch.nn.ReLU)  # what is given back may be below 0


def test_without_hidden_layers_nothing_stands_between_input_and_bottleneck() -> None:
    network, input = (
        AutoencoderMLP(InputSpec(kind="image", shape=(1, 4, 4)), 0, AutoencoderMLPConfig(hidden=())),
        torch.empty(0),
    )
    input = torch.randn(2, 1, 4, 4)
    assert network.code == (16,)
    assert torch.equal(network(input), input)


def test_a_table_comes_out_as_numbers_and_logits() -> None:
    columns = (
        Column(name="a", kind="number", source="a"),
        Column(name="b", kind="category", source="b", categories=("x", "y")),
    )
    network = AutoencoderMLP(InputSpec(kind="table", shape=(2,), columns=columns), 0, AutoencoderMLPConfig(hidden=(6,)))
    assert network(torch.tensor([[0.3, 2.0]])).shape == (1, 4)
    assert network.out == (4,)


def test_rows_of_numbers_are_no_images() -> None:
    with pytest.raises(ConfigError, match=r"reads images, not rows of shape \(4,\); take autoencoder-mlp"):
        AutoencoderCNN(InputSpec(kind="array", shape=(4,)), 0, AutoencoderCNNConfig())
