import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.alexnet import AlexNetConfig
from sonde.models.build import build, describe

PHOTO = InputSpec(kind="image", shape=(3, 224, 224))


def image(*shape: int) -> InputSpec:
    return InputSpec(kind="image", shape=shape)


def ones(module: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(output)


def test_parameters_and_arithmetic_are_the_published_ones():
    facts = describe(
        "alexnet", PHOTO, 1000
    )  # torchvision's documented num_params and _ops, AlexNet_Weights.IMAGENET1K_V1
    assert facts.parameters == 61_100_840
    assert facts.flops / 2e9 == pytest.approx(0.714, rel=1e-3)


def test_names_are_torchvisions():
    with torch.device("meta"):
        names = list(build("alexnet", PHOTO, 1000).state_dict())
    layers = ("features.0", "features.3", "features.6", "features.8", "features.10")
    layers += ("classifier.1", "classifier.4", "classifier.6")
    assert names == [f"{layer}.{what}" for layer in layers for what in ("weight", "bias")]


@pytest.mark.parametrize(
    ("spec", "stem", "last", "places"),
    [  # the map of the last convolution, and the map that the dense layers see
        (PHOTO, "auto", 13, 6),
        (image(3, 65, 65), "auto", 3, 6),
        (image(3, 64, 64), "auto", 15, 6),
        (image(3, 32, 32), "auto", 7, 3),
        (image(1, 28, 28), "auto", 6, 2),
        (image(3, 63, 63), "imagenet", 3, 6),
    ],
)
def test_stem_decides_what_the_last_layers_see(spec: InputSpec, stem, last: int, places: int):
    with torch.device("meta"):
        model = build("alexnet", spec, 10, AlexNetConfig(stem=stem)).eval()
        seen: list[int] = []
        for name in ("features.10", "avgpool"):
            model.get_submodule(name).register_forward_hook(lambda _module, _args, maps: seen.append(maps.shape[-1]))
        assert model(torch.zeros(2, *spec.shape)).shape == (2, 10)
    assert seen == [last, places]


def test_sides_of_an_oblong_image_are_reckoned_apart():
    with torch.device("meta"):
        model = build("alexnet", image(1, 20, 48), 10).eval()
        assert model(torch.zeros(1, 1, 20, 48)).shape == (1, 10)
    assert model.get_submodule("classifier.1").in_features == 256 * 1 * 5


def test_dropout_stands_before_both_hidden_layers_and_only_while_training():
    torch.manual_seed(0)
    model = build("alexnet", image(3, 32, 32), 10, AlexNetConfig(dropout=0.25))
    shares: list[float] = []
    for name in ("classifier.1", "classifier.4"):
        layer = model.get_submodule(name)
        layer.register_forward_pre_hook(lambda _module, args: shares.append((args[0] == 0).float().mean().item()))
    model.get_submodule("features").register_forward_hook(ones)
    nn.init.ones_(model.get_parameter("classifier.1.bias"))
    nn.init.zeros_(model.get_parameter("classifier.1.weight"))
    input = torch.zeros(8, 3, 32, 32)
    with torch.no_grad():
        model(input)
        assert shares == pytest.approx([0.25, 0.25], abs=0.02)
        model.eval()(input)
    assert shares[2:] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("spec", "stem", "message"),
    [
        (image(1, 14, 20), "auto", "at least 15x15 pixels, got 14x20; use --image-size 15$"),
        (image(3, 40, 80), "auto", "at least 63x63 pixels, got 40x80; use --stem small or --image-size 63$"),
    ],
)
def test_refuses_what_it_cannot_read(spec: InputSpec, stem, message: str):
    with pytest.raises(ConfigError, match=message):
        build("alexnet", spec, 2, AlexNetConfig(stem=stem))


@pytest.mark.parametrize(("stem", "least"), [("small", 15), ("imagenet", 63)])
def test_the_smallest_image_it_admits_leaves_one_place(stem, least: int):
    with torch.device("meta"):
        model = build("alexnet", image(3, least, least), 2, AlexNetConfig(stem=stem)).eval()
        assert model.get_submodule("features")(torch.zeros(1, 3, least, least)).shape == (1, 256, 1, 1)


def test_refuses_a_dropout_of_all():
    with pytest.raises(ConfigError, match="--dropout must be at least 0 and below 1, got 1"):
        AlexNetConfig(dropout=1.0)
