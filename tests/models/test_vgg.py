import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build, describe
from sonde.models.vgg import VGGConfig

PHOTO = InputSpec(kind="image", shape=(3, 224, 224))
THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))


def image(*shape: int) -> InputSpec:
    return InputSpec(kind="image", shape=shape)


def ones(module: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(output)


@pytest.mark.parametrize(
    ("name", "parameters", "gmacs"),
    [  # torchvision's documented num_params and _ops, VGG*_Weights.IMAGENET1K_V1
        ("vgg11", 132_863_336, 7.609),
        ("vgg11-bn", 132_868_840, 7.609),
        ("vgg13", 133_047_848, 11.308),
        ("vgg13-bn", 133_053_736, 11.308),
        ("vgg16", 138_357_544, 15.47),
        ("vgg16-bn", 138_365_992, 15.47),
        ("vgg19", 143_667_240, 19.632),
        ("vgg19-bn", 143_678_248, 19.632),
    ],
)
def test_parameters_and_arithmetic_are_the_published_ones(name: str, parameters: int, gmacs: float):
    facts = describe(name, PHOTO, 1000)
    assert facts.parameters == parameters
    assert facts.flops / 2e9 == pytest.approx(gmacs, rel=1e-3)


@pytest.mark.parametrize("spec", [PHOTO, THUMBNAIL])
def test_names_are_torchvisions_whatever_the_image(spec: InputSpec):
    with torch.device("meta"):
        plain = list(build("vgg11", spec, 1000).state_dict())
        norm = list(build("vgg16-bn", spec, 1000).state_dict())
    numbers = [f"features.{index}" for index in (0, 3, 6, 8, 11, 13, 16, 18)]
    numbers += [f"classifier.{index}" for index in (0, 3, 6)]
    assert plain == [f"{layer}.{what}" for layer in numbers for what in ("weight", "bias")]
    assert len(norm) == 97
    for expected in ("features.0.bias", "features.1.running_mean", "features.40.weight", "features.41.running_var"):
        assert expected in norm


@pytest.mark.parametrize(
    ("spec", "stem", "last", "places"),
    [  # the map of the last convolution, and the map that the dense layers see
        (PHOTO, "auto", 14, 7),
        (image(3, 65, 65), "auto", 4, 7),
        (image(3, 64, 64), "auto", 8, 4),
        (THUMBNAIL, "auto", 4, 2),
        (image(1, 28, 28), "auto", 3, 1),
        (THUMBNAIL, "imagenet", 2, 7),
        (image(3, 128, 128), "small", 16, 7),
    ],
)
def test_stem_decides_what_the_last_layers_see(spec: InputSpec, stem, last: int, places: int):
    with torch.device("meta"):
        model = build("vgg11", spec, 10, VGGConfig(stem=stem)).eval()
        seen: list[int] = []
        for name in ("features.18", "avgpool"):
            model.get_submodule(name).register_forward_hook(lambda _module, _args, maps: seen.append(maps.shape[-1]))
        assert model(torch.zeros(2, *spec.shape)).shape == (2, 10)
    assert seen == [last, places]


def test_weights_start_as_torchvisions_do():
    torch.manual_seed(0)
    model = build("vgg11-bn", THUMBNAIL, 10)
    # He et al. 2015 by fan-out: 512 channels of 3x3
    assert model.get_parameter("features.22.weight").std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)
    assert model.get_parameter("classifier.3.weight").std().item() == pytest.approx(0.01, rel=0.01)
    biases = [p for name, p in model.named_parameters() if name.endswith("bias")]
    assert len(biases) == 8 + 8 + 3
    assert not any(p.any() for p in biases)


def test_dropout_follows_both_hidden_layers_and_only_while_training():
    torch.manual_seed(0)
    model = build("vgg11", THUMBNAIL, 10, VGGConfig(dropout=0.25))
    hidden = model.get_submodule("classifier.0")
    hidden.register_forward_hook(ones)
    shares: list[float] = []
    for name in ("classifier.3", "classifier.6"):
        layer = model.get_submodule(name)
        layer.register_forward_pre_hook(lambda _module, args: shares.append((args[0] == 0).float().mean().item()))
    model.get_submodule("classifier.3").register_forward_hook(ones)
    maps = torch.zeros(8, 2048)
    with torch.no_grad():
        model.get_submodule("classifier")(maps)
        assert shares == pytest.approx([0.25, 0.25], abs=0.02)
        model.eval().get_submodule("classifier")(maps)
    assert shares[2:] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (image(1, 15, 20), "at least 16x16 pixels, got 15x20; use --image-size 16$"),
        (image(3, 30, 80), "at least 32x32 pixels, got 30x80; use --stem small or --image-size 32$"),
    ],
)
def test_refuses_what_it_cannot_read(spec: InputSpec, message: str):
    with pytest.raises(ConfigError, match=message):
        build("vgg16", spec, 2)


@pytest.mark.parametrize(("stem", "least"), [("small", 16), ("imagenet", 32)])
def test_the_smallest_image_it_admits_leaves_one_place(stem, least: int):
    with torch.device("meta"):
        model = build("vgg19", image(3, least, least), 2, VGGConfig(stem=stem)).eval()
        assert model.get_submodule("features")(torch.zeros(1, 3, least, least)).shape == (1, 512, 1, 1)


def test_refuses_a_dropout_of_all():
    with pytest.raises(ConfigError, match="--dropout must be at least 0 and below 1, got 1"):
        VGGConfig(dropout=1.0)
