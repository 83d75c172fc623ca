import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build, describe
from sonde.models.mobilenet_v3 import InvertedResidual, MobileNetV3Config, Row

PHOTO = InputSpec(kind="image", shape=(3, 224, 224))
THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))


@pytest.mark.parametrize(
    ("name", "parameters", "gmacs"),
    [  # torchvision's documented num_params and _ops, MobileNet_V3_*_Weights.IMAGENET1K_V1
        ("mobilenet-v3-small", 2_542_856, 0.057),
        ("mobilenet-v3-large", 5_483_032, 0.217),
    ],
)
def test_parameters_and_arithmetic_are_the_published_ones(name: str, parameters: int, gmacs: float):
    facts = describe(name, PHOTO, 1000)
    assert facts.parameters == parameters
    assert facts.flops / 2e9 == pytest.approx(gmacs, abs=5e-4)


def test_names_are_torchvisions():
    with torch.device("meta"):
        names = list(build("mobilenet-v3-small", PHOTO, 1000).state_dict())
    assert len(names) == 244
    for expected in (
        "features.0.0.weight",
        "features.1.block.1.fc1.weight",
        "features.4.block.2.fc2.bias",
        "features.11.block.3.1.running_var",
        "features.12.0.weight",
        "classifier.0.weight",
        "classifier.3.bias",
    ):
        assert expected in names


@pytest.mark.parametrize(
    ("spec", "stem", "side"),
    [(PHOTO, "auto", 7), (THUMBNAIL, "auto", 4), (THUMBNAIL, "imagenet", 1), (PHOTO, "small", 28)],
)
@pytest.mark.parametrize(("name", "width"), [("mobilenet-v3-small", 576), ("mobilenet-v3-large", 960)])
def test_stem_decides_what_the_last_block_sees(name: str, width: int, spec: InputSpec, stem, side: int):
    with torch.device("meta"):
        model = build(name, spec, 10, MobileNetV3Config(stem=stem))
        maps = model.get_submodule("features").eval()(torch.zeros(1, *spec.shape))
    assert maps.shape == (1, width, side, side)


def test_small_variant_leaves_out_the_first_two_halvings():
    with torch.device("meta"):
        maps, sides = torch.zeros(1, 3, 32, 32), []
        for layer in build("mobilenet-v3-small", THUMBNAIL, 10).eval().get_submodule("features").children():
            maps = layer(maps)
            sides.append(maps.shape[-1])
    assert sides == [32] * 2 + [16] * 2 + [8] * 5 + [4] * 4


def test_norms_are_the_published_ones_unless_set():
    for config, momentum in ((None, 0.01), (MobileNetV3Config(norm_momentum=0.3), 0.3)):
        with torch.device("meta"):
            model = build("mobilenet-v3-small", PHOTO, 10, config)
        norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
        assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, momentum)}


def test_gate_scales_the_inner_maps_of_a_block():
    torch.manual_seed(0)
    row = Row(3, 16, 8, True, nn.Hardswish, 1)
    block = InvertedResidual(8, row, stride=1).eval()
    nn.init.constant_(block.get_parameter("block.2.fc2.bias"), -100.0)  # closes every gate
    maps = torch.randn(2, 8, 6, 6)
    assert torch.equal(block(maps), maps)


def test_refuses_settings_out_of_range_and_tables():
    with pytest.raises(ConfigError, match=r"--norm-momentum must be above 0 and at most 1, got 0\.0"):
        MobileNetV3Config(norm_momentum=0.0)
    with pytest.raises(ConfigError, match=r"--dropout must be at least 0 and below 1, got -0\.1"):
        MobileNetV3Config(dropout=-0.1)
