import pytest
import torch
import torch.nn.functional as F
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build, describe
from sonde.models.inception import InceptionConfig
from sonde.nn.auxiliary import WithAuxiliary

PHOTO = InputSpec(kind="image", shape=(3, 299, 299))
THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))


def image(*shape: int) -> InputSpec:
    return InputSpec(kind="image", shape=shape)


def ones(module: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(output)


def test_parameters_and_arithmetic_are_the_published_ones():
    facts = describe("inception-v3", PHOTO, 1000)  # torchvision's documented num_params and _ops, IMAGENET1K_V1
    assert facts.parameters == 27_161_264
    assert facts.flops / 2e9 == pytest.approx(5.713, rel=1e-3)
    # the head by hand: 1x1 to 128, 5x5 to 768, their norms, a linear layer
    head = 768 * 128 + 2 * 128 + 128 * 768 * 25 + 2 * 768 + 768 * 1000 + 1000
    assert describe("inception-v3", PHOTO, 1000, InceptionConfig(auxiliary=False)).parameters == 27_161_264 - head


def test_names_are_torchvisions():
    with torch.device("meta"):
        names = list(build("inception-v3", PHOTO, 1000).state_dict())
        bare = list(build("inception-v3", PHOTO, 1000, InceptionConfig(auxiliary=False)).state_dict())
    assert len(names) == 96 * 6 + 2 * 2
    assert {name for name in names if name not in bare} == {name for name in names if name.startswith("AuxLogits.")}
    for expected in ("Conv2d_1a_3x3.bn.running_var", "Mixed_5b.branch5x5_2.conv.weight", "Mixed_6e.branch7x7dbl_5.bn.bias",
                     "Mixed_7a.branch7x7x3_4.conv.weight", "Mixed_7c.branch3x3dbl_3b.bn.weight"):  # fmt: skip
        assert expected in bare


@pytest.mark.parametrize(
    ("spec", "stem", "sides"),
    [  # maps of the three groups; 35, 17 and 8 are the paper's
        (PHOTO, "auto", (35, 17, 8)),
        (image(3, 75, 75), "auto", (7, 3, 1)),
        (image(3, 74, 74), "auto", (36, 17, 8)),
        (THUMBNAIL, "auto", (15, 7, 3)),
        (image(1, 28, 28), "auto", (13, 6, 2)),
        (image(3, 15, 15), "small", (7, 3, 1)),
    ],
)
def test_stem_decides_what_the_blocks_see(spec: InputSpec, stem, sides: tuple[int, int, int]):
    with torch.device("meta"):
        model = build("inception-v3", spec, 10, InceptionConfig(stem=stem)).eval()
        seen: list[int] = []
        for name in ("Mixed_5d", "Mixed_6e", "Mixed_7c"):
            model.get_submodule(name).register_forward_hook(lambda _module, _args, maps: seen.append(maps.shape[-1]))
        assert model(torch.zeros(2, *spec.shape)).shape == (2, 10)
    assert tuple(seen) == sides


def test_the_head_answers_while_training_and_only_then():
    torch.manual_seed(0)
    model, input = build("inception-v3", THUMBNAIL, 10), torch.randn(3, *THUMBNAIL.shape)
    output = model.train()(input)
    assert isinstance(output, WithAuxiliary)
    assert output.share == 0.4
    assert [head.shape for head in output.auxiliary] == [(3, 10)]
    assert model.eval()(input).shape == (3, 10)
    without = build("inception-v3", THUMBNAIL, 10, InceptionConfig(auxiliary=False))
    assert without.train()(input).shape == (3, 10)


def test_one_row_alone_trains_without_the_head():
    output = build("inception-v3", THUMBNAIL, 10).train()(torch.randn(1, *THUMBNAIL.shape))
    assert output.main.shape == (1, 10)
    assert output.main.isfinite().all()
    assert output.auxiliary == ()


def test_the_head_sits_after_block_6e():
    torch.manual_seed(0)
    model = build("inception-v3", THUMBNAIL, 10).train()
    model(torch.randn(3, *THUMBNAIL.shape)).auxiliary[0].square().sum().backward()
    reached = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
    assert {"Mixed_6e", "AuxLogits"} < reached
    assert not reached & {"Mixed_7a", "Mixed_7b", "Mixed_7c", "fc"}


@pytest.mark.parametrize("side", [17, 20, 16, 3])
def test_the_head_pools_to_what_its_convolution_takes(side: int):
    """From 17 places on by the paper's 5x5 windows; below, by an even cut."""
    torch.manual_seed(0)
    head = build("inception-v3", THUMBNAIL, 10).eval().get_submodule("AuxLogits")
    maps = torch.randn(2, 768, side, side)
    pooled = maps.unfold(2, 5, 3).unfold(3, 5, 3).mean((-1, -2)) if side >= 17 else F.adaptive_avg_pool2d(maps, 5)
    with torch.no_grad():
        expected = head.get_submodule("conv1")(head.get_submodule("conv0")(pooled)).mean((2, 3))
        torch.testing.assert_close(head(maps), head.get_submodule("fc")(expected), rtol=1e-4, atol=1e-5)


def test_weights_start_with_a_deviation_of_a_tenth_and_the_head_near_zero():
    torch.manual_seed(0)
    model = build("inception-v3", THUMBNAIL, 10)
    for name, deviation in (("Mixed_7c.branch1x1.conv.weight", 0.1), ("fc.weight", 0.1), ("AuxLogits.fc.weight", 1e-3)):
        assert model.get_parameter(name).std().item() == pytest.approx(deviation, rel=0.02)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.1)}


def test_dropout_stands_before_the_last_layer():
    torch.manual_seed(0)
    model = build("inception-v3", THUMBNAIL, 10, InceptionConfig(dropout=0.25))
    model.get_submodule("avgpool").register_forward_hook(ones)
    seen: list[torch.Tensor] = []
    model.get_submodule("fc").register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
    with torch.no_grad():
        model.train()(torch.randn(4, *THUMBNAIL.shape))
    assert seen[0].shape == (4, 2048)
    assert (seen[0] == 0).float().mean().item() == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("spec", "stem", "message"),
    [
        (image(1, 14, 20), "auto", "at least 15x15 pixels, got 14x20; use --image-size 15$"),
        (THUMBNAIL, "imagenet", "at least 75x75 pixels, got 32x32; use --stem small or --image-size 75$"),
    ],
)
def test_refuses_what_it_cannot_read(spec: InputSpec, stem, message: str):
    with pytest.raises(ConfigError, match=message):
        build("inception-v3", spec, 2, InceptionConfig(stem=stem))


def test_refuses_a_dropout_of_all():
    with pytest.raises(ConfigError, match="--dropout must be at least 0 and below 1, got 1"):
        InceptionConfig(dropout=1.0)
