import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.lenet import LeNet5, LeNetConfig


def image(channels: int, side: int) -> InputSpec:
    return InputSpec(kind="image", shape=(channels, side, side))


@pytest.mark.parametrize("side", [28, 32])
def test_has_the_maps_and_parameters_of_the_paper(side: int):
    model = LeNet5(image(1, side), 10, LeNetConfig())
    shapes = []
    input = torch.randn(2, 1, side, side)
    for layer in model.features:
        input = layer(input)
        shapes.append(tuple(input.shape[1:]))
    assert shapes == [(6, 28, 28), (6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 10, 10), (16, 5, 5)]
    counts = [sum(p.numel() for p in layer.parameters()) for layer in model.modules() if isinstance(layer, nn.Linear)]
    # C5 48,120 and F6 10,164 as printed in section II.B; the paper's C3 has 1,516 for its partial table, 2,416 when full
    assert counts[:2] == [48_120, 10_164]
    assert sum(p.numel() for p in model.parameters()) == 61_706


def test_settings_choose_the_functions_of_1998():
    model = LeNet5(image(1, 28), 10, LeNetConfig(activation="tanh", pool="average"))
    kinds = {type(module) for module in model.modules()}
    assert nn.Tanh in kinds
    assert nn.AvgPool2d in kinds
    assert not {nn.ReLU, nn.MaxPool2d} & kinds


@pytest.mark.parametrize(("channels", "height", "width"), [(3, 32, 32), (1, 12, 12), (3, 40, 64), (1, 28, 40)])
def test_takes_other_sizes_and_colours(channels: int, height: int, width: int):
    model = LeNet5(InputSpec(kind="image", shape=(channels, height, width)), 4, LeNetConfig())
    assert model(torch.randn(2, channels, height, width)).shape == (2, 4)


def test_refuses_images_that_vanish_on_the_way():
    with pytest.raises(ConfigError, match="at least 12x12 pixels, got 8x8; use --image-size 28"):
        LeNet5(image(1, 8), 10, LeNetConfig())
