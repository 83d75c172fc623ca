import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build, describe
from sonde.models.mobilenet_v2 import InvertedResidual, MobileNetV2Config

PHOTO = InputSpec(kind="image", shape=(3, 224, 224))
THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))


def test_parameters_and_arithmetic_are_the_published_ones():
    facts = describe("mobilenet-v2", PHOTO, 1000)  # torchvision's documented num_params and _ops
    assert facts.parameters == 3_504_872
    assert facts.flops / 2e9 == pytest.approx(0.301, abs=5e-4)


@pytest.mark.parametrize(
    ("factor", "megamacs", "millions"),
    [  # tensorflow/models, slim/nets/mobilenet/README.md: networks at 224 pixels with 1001 outputs, without their norms
        (1.4, 582, 6.06),
        (1.3, 509, 5.34),
        (1.0, 300, 3.47),
        (0.75, 209, 2.61),
        (0.5, 97, 1.95),
        (0.35, 59, 1.66),
    ],
)
def test_other_widths_cost_what_their_authors_say(factor: float, megamacs: int, millions: float):
    config = MobileNetV2Config(width_factor=factor)
    assert describe("mobilenet-v2", PHOTO, 1001, config).flops / 2e6 == pytest.approx(megamacs, rel=0.01)
    with torch.device("meta"):
        model = build("mobilenet-v2", PHOTO, 1001, config)
    layers = [m for m in model.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert sum(p.numel() for layer in layers for p in layer.parameters()) / 1e6 == pytest.approx(millions, abs=0.01)


def test_names_are_torchvisions():
    with torch.device("meta"):
        names = list(build("mobilenet-v2", PHOTO, 1000).state_dict())
    assert len(names) == 314
    for expected in (
        "features.0.0.weight",
        "features.1.conv.0.0.weight",
        "features.1.conv.2.running_mean",
        "features.17.conv.3.bias",
        "features.18.1.weight",
        "classifier.1.bias",
    ):
        assert expected in names


@pytest.mark.parametrize(
    ("spec", "stem", "side"),
    [(PHOTO, "auto", 7), (THUMBNAIL, "auto", 4), (THUMBNAIL, "imagenet", 1), (PHOTO, "small", 28)],
)
def test_stem_decides_what_the_last_block_sees(spec: InputSpec, stem, side: int):
    with torch.device("meta"):
        model = build("mobilenet-v2", spec, 10, MobileNetV2Config(stem=stem))
        maps = model.get_submodule("features").eval()(torch.zeros(1, *spec.shape))
    assert maps.shape == (1, 1280, side, side)


def test_small_variant_leaves_out_the_first_two_halvings():
    with torch.device("meta"):
        maps, sides = torch.zeros(1, 3, 32, 32), []
        for layer in build("mobilenet-v2", THUMBNAIL, 10).eval().get_submodule("features").children():
            maps = layer(maps)
            sides.append(maps.shape[-1])
    assert sides == [32] * 4 + [16] * 3 + [8] * 7 + [4] * 5


def test_blocks_of_one_shape_start_from_the_identity_and_others_cannot():
    torch.manual_seed(0)
    maps = torch.randn(2, 8, 6, 6)
    block = InvertedResidual(8, 8, stride=1, expansion=6).eval()
    nn.init.zeros_(block.get_parameter("conv.3.weight"))
    assert torch.equal(block(maps), maps)
    for other in (InvertedResidual(8, 8, stride=2, expansion=6), InvertedResidual(8, 16, stride=1, expansion=6)):
        nn.init.zeros_(other.get_parameter("conv.3.weight"))
        assert not other.eval()(maps).any()


def test_last_layer_of_a_block_is_linear():
    torch.manual_seed(0)
    output = InvertedResidual(4, 8, stride=1, expansion=6)(torch.randn(8, 4, 6, 6))
    assert output.mean().item() == pytest.approx(0, abs=1e-5)  # what batch norm leaves, before any activation
    assert output.var(correction=0).item() == pytest.approx(1, rel=1e-2)


def test_refuses_settings_out_of_range_and_tables():
    with pytest.raises(ConfigError, match=r"--width-factor must be above 0, got 0\.0"):
        MobileNetV2Config(width_factor=0.0)
    with pytest.raises(ConfigError, match=r"--dropout must be at least 0 and below 1, got 1.5"):
        MobileNetV2Config(dropout=1.5)
