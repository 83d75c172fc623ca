import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import describe
from sonde.models.compact_cnn import CompactCNN, CompactCNNConfig


def image(channels: int, height: int, width: int | None = None) -> InputSpec:
    return InputSpec(kind="image", shape=(channels, height, width or height))


def test_a_colour_image_costs_what_the_layers_add_up_to():
    facts = describe("compact-cnn", image(3, 32), 10)
    weights = [24 * 32, 32**2, 32 * 128, 128**2, 128**2, 128**2]
    places = [31**2, 15**2, 15**2, 7**2, 7**2, 3**2]  # of the maps each 3x3 convolution puts out
    assert facts.parameters == 9 * sum(weights) + 2 * (2 * 32 + 4 * 128) + 128 * 10 + 10
    multiplications = 9 * sum(w * p for w, p in zip(weights, places, strict=True)) + 31**2 * 12 * 12 + 1280
    assert facts.flops == 2 * multiplications


def test_a_grey_image_costs_a_tenth():
    facts = describe("compact-cnn", image(1, 28), 10)
    weights = [16, 16**2, 16 * 32, 32**2, 32 * 64, 64**2]
    places = [28**2, 14**2, 14**2, 7**2, 7**2, 3**2]
    assert facts.parameters == 9 * sum(weights) + 2 * 2 * (16 + 32 + 64) + 64 * 10 + 10
    assert facts.flops == 2 * (9 * sum(w * p for w, p in zip(weights, places, strict=True)) + 640)


@pytest.mark.parametrize(
    ("spec", "pools"),
    [
        (image(1, 8), 1),
        (image(3, 12), 1),
        (image(1, 16), 2),
        (image(3, 32), 3),
        (image(3, 64), 3),
        (image(1, 8, 40), 1),
    ],
)
def test_maps_are_halved_only_while_they_are_large_enough(spec: InputSpec, pools: int):
    model = CompactCNN(spec, 4, CompactCNNConfig())
    assert sum(isinstance(module, nn.MaxPool2d) for module in model.modules()) == pools
    assert model(torch.randn(2, *spec.shape)).shape == (2, 4)


def test_widths_and_depth_are_the_stages():
    model = CompactCNN(image(1, 28), 2, CompactCNNConfig(widths=(4, 6), layers=3))
    widths = [module.out_channels for module in model.modules() if isinstance(module, nn.Conv2d)]
    assert widths == [4, 4, 4, 6, 6, 6]
    assert model.head.in_features == 6


def test_normalises_behind_the_pooling():
    stage = CompactCNN(image(1, 28), 2, CompactCNNConfig()).get_submodule("stages.0.layers")
    order = [type(layer).__name__ for layer in stage.children()]
    assert order == ["Conv2d", "MaxPool2d", "BatchNorm2d", "ReLU", "Conv2d", "BatchNorm2d", "ReLU"]


def test_reads_scikit_learns_digits():
    from sklearn.datasets import load_digits

    torch.manual_seed(0)
    pixels, labels = (torch.from_numpy(part) for part in load_digits(return_X_y=True))
    pixels = ((pixels.float() / 16 - 0.305) / 0.376).view(-1, 1, 8, 8)
    model = CompactCNN(image(1, 8), 10, CompactCNNConfig())
    optimizer = torch.optim.AdamW(model.parameters(), lr=4e-3)
    for rows in torch.randperm(1500).repeat(4).split(50):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(pixels[rows]), labels[rows].long()).backward()
        optimizer.step()
    with torch.no_grad():
        right = model.eval()(pixels[1500:]).argmax(1) == labels[1500:]
    assert right.double().mean() > 0.9  # the last 297 rows, by other hands; logistic regression reaches 0.9


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"widths": (8, 0)}, "--widths must be at least 1, got 0"), ({"layers": 0}, "--layers must be at least 1, got 0")],
)
def test_refuses_settings_out_of_range(settings, message):
    with pytest.raises(ConfigError, match=f"^{message}$"):
        CompactCNNConfig(**settings)


def test_refuses_images_too_small():
    with pytest.raises(ConfigError, match="at least 8x8 pixels, got 5x9; use --image-size 8"):
        CompactCNN(image(1, 5, 9), 2, CompactCNNConfig())
