import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build, describe
from sonde.models.efficientnet import EfficientNetConfig, FusedMBConv, MBConv, Stage, scaled
from sonde.nn.conv_norm import scaled_channels
from sonde.nn.stochastic_depth import StochasticDepth

PHOTO = InputSpec(kind="image", shape=(3, 224, 224))
THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))


def photo(side: int) -> InputSpec:
    return InputSpec(kind="image", shape=(3, side, side))


@pytest.mark.parametrize(
    ("name", "pixels", "parameters", "gmacs"),
    [  # torchvision's documented num_params and _ops at its crop sizes, EfficientNet_*_Weights.IMAGENET1K_V1
        ("efficientnet-b0", 224, 5_288_548, 0.386),
        ("efficientnet-b1", 240, 7_794_184, 0.687),
        ("efficientnet-b2", 288, 9_109_994, 1.088),
        ("efficientnet-b3", 300, 12_233_232, 1.827),
        ("efficientnet-b4", 380, 19_341_616, 4.394),
        ("efficientnet-b5", 456, 30_389_784, 10.266),
        ("efficientnet-b6", 528, 43_040_704, 19.068),
        ("efficientnet-b7", 600, 66_347_960, 37.746),
        ("efficientnet-v2-s", 384, 21_458_488, 8.366),
    ],
)
def test_parameters_and_arithmetic_are_the_published_ones(name: str, pixels: int, parameters: int, gmacs: float):
    facts = describe(name, photo(pixels), 1000)
    assert facts.parameters == parameters
    assert facts.flops / 2e9 == pytest.approx(gmacs, abs=6e-4)


@pytest.mark.parametrize(
    ("size", "phi"), [("b1", 0.5), ("b2", 1.0), ("b3", 2.0), ("b4", 3.5), ("b5", 5.0), ("b6", 6.0), ("b7", 7.0)]
)
def test_widths_are_those_of_the_compound_rule(size: str, phi: float):
    with torch.device("meta"):
        stem = build(f"efficientnet-{size}", PHOTO, 10).get_parameter("features.0.0.weight").shape[0]
    assert stem == scaled_channels(32 * round(1.1**phi, 1))


def test_depths_are_rounded_up_and_channels_to_multiples_of_8():
    size = scaled(width=1.1, depth=1.2, dropout=0.3)
    assert [stage.blocks for stage in size.stages] == [2, 3, 3, 4, 4, 5, 2]
    assert [stage.channels for stage in size.stages] == [16, 24, 48, 88, 120, 208, 352]
    assert (size.stem, size.last) == (32, 1408)


def test_names_are_torchvisions():
    with torch.device("meta"):
        first = list(build("efficientnet-b0", PHOTO, 1000).state_dict())
        second = list(build("efficientnet-v2-s", PHOTO, 1000).state_dict())
    assert len(first) == 360
    assert len(second) == 782
    for expected in ("features.1.0.block.1.fc1.weight", "features.7.0.block.3.1.bias", "classifier.1.weight"):
        assert expected in first
    for expected in ("features.1.0.block.0.0.weight", "features.2.0.block.1.1.bias", "features.7.0.weight"):
        assert expected in second


@pytest.mark.parametrize(
    ("spec", "stem", "side"),
    [(PHOTO, "auto", 7), (THUMBNAIL, "auto", 4), (THUMBNAIL, "imagenet", 1), (PHOTO, "small", 28)],
)
@pytest.mark.parametrize("name", ["efficientnet-b0", "efficientnet-v2-s"])
def test_stem_decides_what_the_last_stage_sees(name: str, spec: InputSpec, stem, side: int):
    with torch.device("meta"):
        model = build(name, spec, 10, EfficientNetConfig(stem=stem))
        maps = model.get_submodule("features").eval()(torch.zeros(1, *spec.shape))
    assert maps.shape == (1, 1280, side, side)


def test_small_variant_leaves_out_the_first_two_halvings():
    with torch.device("meta"):
        maps, sides = torch.zeros(1, 3, 32, 32), []
        for layer in build("efficientnet-b0", THUMBNAIL, 10).eval().get_submodule("features").children():
            maps = layer(maps)
            sides.append(maps.shape[-1])
    assert sides == [32] * 3 + [16] + [8] * 2 + [4] * 3


def test_chance_to_be_skipped_rises_on_a_line_from_zero():
    with torch.device("meta"):
        model = build("efficientnet-b0", PHOTO, 10, EfficientNetConfig(stochastic_depth=0.32))
    chances = [m.probability for m in model.modules() if isinstance(m, StochasticDepth)]
    assert chances == pytest.approx([0.02 * block for block in range(16)])


@pytest.mark.parametrize("block", [MBConv, FusedMBConv])
def test_rows_skip_a_block_that_keeps_their_shape(block: type[MBConv] | type[FusedMBConv]):
    torch.manual_seed(0)
    kept = block(8, Stage(block, 4, 3, 1, 8, 1), stride=1, skipped=0.5, norm=nn.BatchNorm2d)
    maps = torch.randn(40, 8, 6, 6)
    skipped = (kept(maps) == maps).flatten(1).all(1)
    assert 8 < skipped.sum().item() < 32
    kept.eval()
    assert not (kept(maps) == maps).flatten(1).all(1).any()
    changed = block(8, Stage(block, 4, 3, 2, 8, 1), stride=2, skipped=0.5, norm=nn.BatchNorm2d)
    assert not (changed(maps) == 0).flatten(1).all(1).any()  # nothing to go around with


@pytest.mark.parametrize("expansion", [1, 2])
@pytest.mark.parametrize("block", [MBConv, FusedMBConv])
def test_gradient_of_a_block_agrees_with_finite_differences(block: type[MBConv] | type[FusedMBConv], expansion: int):
    torch.manual_seed(0)
    layer = block(2, Stage(block, expansion, 3, 1, 2, 1), stride=1, skipped=0.0, norm=nn.BatchNorm2d).double()
    input = torch.randn(3, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, (input,))


def test_dropout_is_the_published_one_unless_set():
    with torch.device("meta"):
        published = [build(f"efficientnet-b{size}", PHOTO, 10).get_submodule("classifier.0").p for size in (0, 3, 4)]
        own = build("efficientnet-b4", PHOTO, 10, EfficientNetConfig(dropout=0.0)).get_submodule("classifier.0").p
    assert published == [0.2, 0.3, 0.4]
    assert own == 0.0


def test_norms_are_the_published_ones_unless_set():
    wanted = {"b0": (1e-5, 0.1), "b5": (1e-3, 0.01), "v2-s": (1e-3, 0.1)}
    for config, momentum in ((None, None), (EfficientNetConfig(norm_momentum=0.3), 0.3)):
        for size, (eps, published) in wanted.items():
            with torch.device("meta"):
                model = build(f"efficientnet-{size}", PHOTO, 10, config)
            norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
            assert {(norm.eps, norm.momentum) for norm in norms} == {(eps, momentum or published)}


def test_refuses_shares_out_of_range_and_tables():
    with pytest.raises(ConfigError, match=r"--norm-momentum must be above 0 and at most 1, got 1\.5"):
        EfficientNetConfig(norm_momentum=1.5)
    with pytest.raises(ConfigError, match=r"--dropout must be at least 0 and below 1, got 1"):
        EfficientNetConfig(dropout=1.0)
    with pytest.raises(ConfigError, match=r"--stochastic-depth must be at least 0 and below 1, got -0\.5"):
        EfficientNetConfig(stochastic_depth=-0.5)
