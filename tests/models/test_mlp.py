import numpy as np
import pytest
import torch
from torch import nn

from sonde.core.dataset import Column, InputSpec
from sonde.core.errors import ConfigError
from sonde.models.mlp import MLPConfig, mlp
from sonde.nn.activations import Activation
from sonde.nn.initialise import Scheme

DIGIT = InputSpec(kind="image", shape=(1, 28, 28))
VECTOR = InputSpec(kind="array", shape=(6,))


def test_the_introductory_network_is_its_layers_and_nothing_else():
    model = mlp(DIGIT, 10, MLPConfig(hidden=(256, 128), dropout=0.2))
    kinds = [type(layer).__name__ for layer in model]
    assert kinds == ["Flatten", "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear"]
    assert sum(p.numel() for p in model.parameters()) == 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10
    assert len(mlp(VECTOR, 1, MLPConfig(hidden=(4,)))) == 3  # nothing to flatten


def test_computes_what_numpy_computes():
    model = mlp(VECTOR, 3, MLPConfig(hidden=(5, 4), activation="tanh")).double()
    first, second, head = (layer for layer in model if isinstance(layer, nn.Linear))
    input = np.random.default_rng(0).normal(size=(7, 6))
    signal = input
    for layer in (first, second):
        signal = np.tanh(signal @ layer.weight.detach().numpy().T + layer.bias.detach().numpy())
    expected = signal @ head.weight.detach().numpy().T + head.bias.detach().numpy()
    assert np.allclose(model(torch.from_numpy(input)).detach().numpy(), expected, rtol=1e-12)


@pytest.mark.parametrize(("norm", "kind"), [("batch", nn.BatchNorm1d), ("layer", nn.LayerNorm)])
def test_norms_stand_between_layer_and_activation(norm, kind):
    model = mlp(VECTOR, 2, MLPConfig(hidden=(8, 8), norm=norm))
    assert [type(layer) for layer in model][:3] == [nn.Linear, kind, nn.ReLU]
    assert sum(isinstance(layer, kind) for layer in model) == 2


def test_no_hidden_layer_is_a_linear_model():
    assert [type(layer) for layer in mlp(VECTOR, 2, MLPConfig(hidden=()))] == [nn.Linear]


@pytest.mark.parametrize(("activation", "init"), [("relu", "he"), ("sigmoid", "xavier")])
def test_auto_initialisation_follows_the_activation(activation: Activation, init: Scheme):
    states = []
    for config in (
        MLPConfig(activation=activation),
        MLPConfig(activation=activation, init=init),
        MLPConfig(activation=activation, init="truncated-normal"),
    ):
        torch.manual_seed(0)
        states.append(mlp(VECTOR, 2, config).state_dict())
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    assert not torch.equal(states[0]["0.weight"], states[2]["0.weight"])


def test_category_columns_are_encoded_not_measured():
    colour = Column(name="colour", kind="category", source="colour", categories=("red", "green", "blue"))
    size = Column(name="size", kind="number", source="size")
    model = mlp(
        InputSpec(kind="table", shape=(2,), columns=(size, colour)), 1, MLPConfig(hidden=(16,), activation="tanh")
    )
    with torch.no_grad():
        green_minus_red = model(torch.tensor([[0.0, 2.0]])) - model(torch.tensor([[0.0, 1.0]]))
        blue_minus_green = model(torch.tensor([[0.0, 3.0]])) - model(torch.tensor([[0.0, 2.0]]))
    assert model[1].in_features == 4  # the number and three indicators
    assert not torch.allclose(green_minus_red, blue_minus_green, atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hidden": (8, 0)}, "--hidden must be at least 1, got 0"),
        ({"dropout": 1.0}, "--dropout must be at least 0 and below 1, got 1"),
        ({"dropout": -0.1}, "--dropout must be at least 0 and below 1, got -0.1"),
    ],
)
def test_refuses_settings_out_of_range(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        MLPConfig(**settings)


def test_solves_xor_which_a_perceptron_cannot():
    torch.manual_seed(0)
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    target = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    model = mlp(InputSpec(kind="array", shape=(2,)), 1, MLPConfig(hidden=(16,)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(200):
        optimizer.zero_grad()
        nn.functional.binary_cross_entropy_with_logits(model(corners), target).backward()
        optimizer.step()
    assert torch.equal(model(corners) > 0, target.bool())
