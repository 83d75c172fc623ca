import math

import numpy as np
import pytest
import torch
from torch import nn

from sonde.nn.activations import Activation, activation
from sonde.nn.initialise import Scheme, default_scheme, gain, initialise, initialise_convolutions


def drawn(scheme: Scheme, follows: Activation | None, *, in_dim: int = 400, out_dim: int = 300) -> nn.Linear:
    torch.manual_seed(0)
    layer = nn.Linear(in_dim, out_dim)
    initialise(layer, scheme, activation=follows)
    return layer


@pytest.mark.parametrize(
    ("scheme", "follows", "std"),
    [
        ("he", "relu", math.sqrt(2 / 400)),
        ("he", None, math.sqrt(1 / 400)),
        ("xavier", "tanh", math.sqrt(2 / 700)),
        ("xavier", "relu", math.sqrt(4 / 700)),
        ("truncated-normal", "relu", 0.02 * 0.8796),  # std of a normal cut at two of its own
    ],
)
def test_spread_is_the_published_one(scheme: Scheme, follows: Activation | None, std: float):
    layer = drawn(scheme, follows)
    assert layer.weight.std().item() == pytest.approx(std, rel=0.01)
    assert layer.weight.mean().item() == pytest.approx(0, abs=4 * std / math.sqrt(layer.weight.numel()))
    assert not layer.bias.any()


def test_bounds_of_the_bounded_draws():
    assert drawn("xavier", "tanh").weight.abs().max().item() <= math.sqrt(6 / 700)
    assert drawn("truncated-normal", "relu").weight.abs().max().item() <= 0.04


def test_orthogonal_rows_have_the_gain_as_length():
    weight = drawn("orthogonal", "relu").weight.double()
    assert torch.allclose(weight @ weight.T, 2 * torch.eye(300, dtype=torch.float64), atol=1e-5)


def test_torch_leaves_the_layer_as_it_was_drawn():
    torch.manual_seed(0)
    before = nn.Linear(400, 300)
    layer = drawn("torch", "relu")
    assert torch.equal(layer.weight, before.weight)
    assert torch.equal(layer.bias, before.bias)


@pytest.mark.parametrize("follows", ["relu", "gelu", "silu", "leaky-relu"])
def test_default_scheme_keeps_the_signal_through_twenty_layers(follows: Activation):
    torch.manual_seed(0)
    signal = torch.randn(500, 256)
    for _ in range(20):
        layer = nn.Linear(256, 256)
        initialise(layer, default_scheme(follows), activation=follows)
        signal = activation(follows)(layer(signal))
    rms = signal.square().mean().sqrt().item()
    assert 0.05 < rms < 50  # with the gain of ReLU, SiLU leaves 0.004; PyTorch's own draw leaves constants


def test_default_scheme_follows_the_activation():
    assert default_scheme("relu") == default_scheme("silu") == "he"
    assert default_scheme("tanh") == default_scheme("softmax") == "xavier"


@pytest.mark.parametrize("follows", ["relu", "gelu", "silu", "leaky-relu"])
def test_gain_keeps_the_mean_square_of_a_standard_normal(follows: Activation):
    z, width = np.linspace(-12, 12, 200_001, retstep=True)
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    value = activation(follows)(torch.from_numpy(z)).numpy()
    mean_square = float(np.sum(value**2 * density) * width)
    assert gain(follows) == pytest.approx(1 / math.sqrt(mean_square), rel=1e-6)


def test_convolutions_are_drawn_by_fan_out_or_fan_in_and_dense_layers_where_that_is_said():
    convolution, norm, dense = nn.Conv2d(8, 64, 3), nn.BatchNorm2d(64), nn.Linear(64, 300)
    net = nn.Sequential(convolution, norm, dense)
    torch.manual_seed(0)
    before = dense.weight.clone()
    initialise_convolutions(net)
    assert convolution.weight.std().item() == pytest.approx(math.sqrt(2 / (9 * 64)), rel=0.03)
    assert convolution.bias is not None
    assert not convolution.bias.any()
    assert torch.equal(dense.weight, before)
    initialise_convolutions(net, mode="fan_in", linear_std=0.02)
    assert convolution.weight.std().item() == pytest.approx(math.sqrt(2 / (9 * 8)), rel=0.03)
    assert dense.weight.std().item() == pytest.approx(0.02, rel=0.03)
    assert not dense.bias.any()
    assert norm.weight.eq(1).all()
