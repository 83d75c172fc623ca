import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build, describe
from sonde.models.convnext import Block, ConvNeXt, ConvNeXtConfig
from sonde.nn.conv_norm import ChannelNorm

PHOTO = InputSpec(kind="image", shape=(3, 224, 224))
THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))


@pytest.mark.parametrize(
    ("name", "parameters", "gmacs"),
    [  # torchvision's documented num_params and _ops, ConvNeXt_*_Weights.IMAGENET1K_V1
        ("convnext-tiny", 28_589_128, 4.456),
        ("convnext-small", 50_223_688, 8.684),
        ("convnext-base", 88_591_464, 15.355),
        ("convnext-large", 197_767_336, 34.361),
    ],
)
def test_parameters_and_arithmetic_are_the_published_ones(name: str, parameters: int, gmacs: float):
    facts = describe(name, PHOTO, 1000)
    assert facts.parameters == parameters
    assert facts.flops / 2e9 == pytest.approx(gmacs, rel=1e-3)


def test_names_are_torchvisions():
    with torch.device("meta"):
        names = list(build("convnext-tiny", PHOTO, 1000).state_dict())
    assert len(names) == 182
    expected = ("features.0.0.weight", "features.0.1.bias", "features.1.0.block.0.weight", "features.1.0.layer_scale")
    expected += ("features.7.2.block.5.bias", "features.6.0.weight", "features.6.1.weight", "classifier.0.weight")
    for name in (*expected, "features.3.2.block.2.weight", "features.5.8.block.3.weight", "classifier.2.bias"):
        assert name in names


@pytest.mark.parametrize(
    ("spec", "stem", "side"),
    [(PHOTO, "auto", 7), (THUMBNAIL, "auto", 2), (THUMBNAIL, "imagenet", 1), (PHOTO, "small", 14)],
)
def test_stem_decides_what_the_last_stage_sees(spec: InputSpec, stem, side: int):
    with torch.device("meta"):
        model = build("convnext-tiny", spec, 10, ConvNeXtConfig(stem=stem))
        assert isinstance(model, ConvNeXt)
        maps = model.eval().features(torch.zeros(1, *spec.shape))
    assert maps.shape == (1, 768, side, side)


def test_auto_cuts_smaller_patches_up_to_64_pixels():
    for side, patch in ((64, 2), (65, 4)):
        with torch.device("meta"):
            model = build("convnext-tiny", InputSpec(kind="image", shape=(1, side, side)), 10)
        assert model.get_parameter("features.0.0.weight").shape == (96, 1, patch, patch)


def test_grey_images_of_28_pixels_go_through():
    with torch.device("meta"):
        model = build("convnext-tiny", InputSpec(kind="image", shape=(1, 28, 28)), 10).eval()
        assert model(torch.zeros(2, 1, 28, 28)).shape == (2, 10)


def test_norms_take_mean_and_variance_over_channels():
    torch.manual_seed(0)
    norm = ChannelNorm(5, eps=1e-6).double()
    maps = torch.randn(2, 5, 3, 4, dtype=torch.float64)
    with torch.no_grad():
        norm.weight.copy_(torch.arange(1.0, 6.0))
    centred = maps - maps.mean(1, keepdim=True)
    expected = centred / (centred.square().mean(1, keepdim=True) + 1e-6).sqrt() * norm.weight.view(1, 5, 1, 1)
    torch.testing.assert_close(norm(maps), expected, rtol=1e-10, atol=1e-12)


def test_a_block_is_what_the_paper_draws():
    torch.manual_seed(0)
    block = Block(6, stochastic_depth=0.0).double()
    with torch.no_grad():
        block.layer_scale.copy_(torch.rand(6, 1, 1))
    maps = torch.randn(2, 6, 5, 5, dtype=torch.float64)
    conv, norm, wide, narrow = (block.block.get_submodule(index) for index in "0235")
    assert isinstance(conv, torch.nn.Conv2d)
    assert conv.bias is not None
    expected = torch.empty_like(maps)
    padded = torch.nn.functional.pad(maps, (3, 3, 3, 3))
    for row in range(5):
        for column in range(5):
            patch = padded[:, :, row : row + 7, column : column + 7]
            answer = (patch * conv.weight[:, 0]).sum((2, 3)) + conv.bias  # one filter a channel
            answer = narrow(torch.nn.functional.gelu(wide(norm(answer))))
            expected[:, :, row, column] = maps[:, :, row, column] + block.layer_scale[:, 0, 0] * answer
    torch.testing.assert_close(block(maps), expected, rtol=1e-10, atol=1e-12)


def test_blocks_start_near_the_identity():
    torch.manual_seed(0)
    block = Block(8, stochastic_depth=0.0)
    maps = torch.randn(1, 8, 6, 6)
    assert 0 < (block(maps) - maps).abs().max() < 1e-4


@pytest.mark.parametrize(("name", "largest"), [("convnext-tiny", 0.1), ("convnext-small", 0.4), ("convnext-base", 0.5)])
def test_stochastic_depth_rises_to_the_sizes_own(name: str, largest: float):
    with torch.device("meta"):
        own, typed = build(name, PHOTO, 10), build(name, PHOTO, 10, ConvNeXtConfig(stochastic_depth=0.3))
    for model, last in ((own, largest), (typed, 0.3)):
        rates = [block.stochastic_depth.probability for block in model.modules() if isinstance(block, Block)]
        steps = [rates[n + 1] - rates[n] for n in range(len(rates) - 1)]
        assert (rates[0], rates[-1]) == (0.0, pytest.approx(last))
        assert steps == pytest.approx([last / (len(rates) - 1)] * len(steps))


def test_weights_start_as_the_paper_draws_them():
    torch.manual_seed(0)
    model = build("convnext-tiny", THUMBNAIL, 10)
    assert model.get_parameter("features.5.4.block.3.weight").std().item() == pytest.approx(0.02, rel=0.02)
    assert not model.get_parameter("features.5.4.block.3.bias").any()


@pytest.mark.parametrize(("side", "stem", "least"), [(8, "auto", 16), (28, "imagenet", 32)])
def test_images_too_small_for_four_stages_are_refused(side: int, stem, least: int):
    with pytest.raises(ConfigError, match=f"at least {least}x{least} pixels, got {side}x{side}"):
        build("convnext-tiny", InputSpec(kind="image", shape=(3, side, side)), 10, ConvNeXtConfig(stem=stem))


def test_refuses_tables_and_rates_out_of_range():
    with pytest.raises(ConfigError, match="--stochastic-depth must be at least 0 and below 1, got 1"):
        ConvNeXtConfig(stochastic_depth=1.0)
