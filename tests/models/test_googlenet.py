import pytest
import torch
from torch import nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build, describe
from sonde.models.googlenet import GoogLeNetConfig
from sonde.nn.auxiliary import WithAuxiliary

PHOTO = InputSpec(kind="image", shape=(3, 224, 224))
THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))
STILL = GoogLeNetConfig(dropout=0.0, auxiliary_dropout=0.0)


def image(*shape: int) -> InputSpec:
    return InputSpec(kind="image", shape=shape)


def ones(module: nn.Module, inputs: object, output: torch.Tensor) -> torch.Tensor:
    return torch.ones_like(output)


def test_parameters_and_arithmetic_are_the_published_ones():
    # torchvision's documented num_params and _ops, GoogLeNet_Weights.IMAGENET1K_V1, which are without auxiliary heads
    facts = describe("googlenet", PHOTO, 1000, GoogLeNetConfig(auxiliary=False))
    assert facts.parameters == 6_624_904
    assert facts.flops / 2e9 == pytest.approx(1.498, rel=1e-3)
    # heads by hand: 1x1 convolution of 512 or 528 channels and its norm, 2048 -> 1024 -> 1000 with biases
    heads = sum(c * 128 + 2 * 128 + 2048 * 1024 + 1024 + 1024 * 1000 + 1000 for c in (512, 528))
    assert describe("googlenet", PHOTO, 1000).parameters == 6_624_904 + heads


def test_names_are_torchvisions():
    with torch.device("meta"):
        names = list(build("googlenet", PHOTO, 1000).state_dict())
        bare = list(build("googlenet", PHOTO, 1000, GoogLeNetConfig(auxiliary=False)).state_dict())
    heads = {name for name in names if name.startswith("aux")}
    assert set(names) - set(bare) == heads
    assert len(names) == 57 * 6 + 2 + 2 * (6 + 4)
    for expected in ("conv1.conv.weight", "inception3a.branch2.1.bn.running_var", "inception5b.branch4.1.conv.weight"):
        assert expected in bare
    assert {"aux1.conv.bn.bias", "aux2.fc1.weight", "aux2.fc2.bias"} < heads


@pytest.mark.parametrize(
    ("spec", "stem", "side"),
    [
        (PHOTO, "auto", 7),
        (image(3, 65, 65), "auto", 2),
        (image(3, 64, 64), "auto", 8),
        (THUMBNAIL, "auto", 4),
        (image(1, 28, 28), "auto", 4),
        (THUMBNAIL, "imagenet", 1),
        (image(3, 8, 8), "small", 1),
    ],
)
def test_stem_decides_what_the_last_block_sees(spec: InputSpec, stem, side: int):
    with torch.device("meta"):
        model = build("googlenet", spec, 10, GoogLeNetConfig(stem=stem)).eval()
        seen: list[tuple[int, ...]] = []
        block = model.get_submodule("inception5b")
        block.register_forward_hook(lambda _module, _args, maps: seen.append(tuple(maps.shape)))
        assert model(torch.zeros(2, *spec.shape)).shape == (2, 10)
    assert seen == [(2, 1024, side, side)]


def test_heads_answer_while_training_and_only_then():
    torch.manual_seed(0)
    model, input = build("googlenet", THUMBNAIL, 10, STILL), torch.randn(4, *THUMBNAIL.shape)
    output = model.train()(input)
    assert isinstance(output, WithAuxiliary)
    assert output.share == 0.3  # Szegedy et al. 2014, section 5
    assert [head.shape for head in output.auxiliary] == [(4, 10), (4, 10)]
    assert model.eval()(input).shape == (4, 10)
    without = build("googlenet", THUMBNAIL, 10, GoogLeNetConfig(auxiliary=False))
    assert without.train()(input).shape == (4, 10)


def test_heads_sit_after_blocks_4a_and_4d():
    torch.manual_seed(0)
    model, input = build("googlenet", THUMBNAIL, 10, STILL).train(), torch.randn(4, *THUMBNAIL.shape)
    for head, last in ((0, "inception4a"), (1, "inception4d")):
        model.zero_grad()
        model(input).auxiliary[head].square().sum().backward()
        reached = {name.split(".")[0] for name, p in model.named_parameters() if p.grad is not None and p.grad.any()}
        blocks = sorted(name for name in reached if name.startswith("inception"))
        assert blocks[-1] == last
        assert f"aux{head + 1}" in reached
        assert f"aux{2 - head}" not in reached


def test_a_one_row_batch_trains():
    output = build("googlenet", THUMBNAIL, 10).train()(torch.randn(1, *THUMBNAIL.shape))
    assert all(head.isfinite().all() for head in (output.main, *output.auxiliary))


def test_weights_start_with_a_deviation_of_a_hundredth():
    torch.manual_seed(0)
    model = build("googlenet", THUMBNAIL, 10)
    for name in ("conv3.conv.weight", "aux1.fc1.weight", "fc.weight"):
        assert model.get_parameter(name).std().item() == pytest.approx(0.01, rel=0.02)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert {(norm.eps, norm.momentum) for norm in norms} == {(1e-3, 0.1)}


@pytest.mark.parametrize(
    ("name", "width", "share"), [("fc", 1024, 0.25), ("aux1.fc2", 1024, 0.75), ("aux2.fc2", 1024, 0.75)]
)
def test_dropout_stands_before_each_last_layer(name: str, width: int, share: float):
    torch.manual_seed(0)
    model = build("googlenet", THUMBNAIL, 10, GoogLeNetConfig(dropout=0.25, auxiliary_dropout=0.75))
    before = "avgpool" if name == "fc" else name.replace("fc2", "fc1")
    model.get_submodule(before).register_forward_hook(ones)
    seen: list[torch.Tensor] = []
    model.get_submodule(name).register_forward_pre_hook(lambda _module, args: seen.append(args[0]))
    with torch.no_grad():
        model.train()(torch.randn(8, *THUMBNAIL.shape))
    assert seen[0].shape == (8, width)
    assert (seen[0] == 0).float().mean().item() == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (image(1, 7, 20), "at least 8x8 pixels, got 7x20; use --image-size 8$"),
        (image(3, 30, 80), "at least 32x32 pixels, got 30x80; use --stem small or --image-size 32$"),
    ],
)
def test_refuses_what_it_cannot_read(spec: InputSpec, message: str):
    with pytest.raises(ConfigError, match=message):
        build("googlenet", spec, 2)


def test_refuses_a_dropout_of_all():
    with pytest.raises(ConfigError, match="^--dropout must be at least 0 and below 1, got 1"):
        GoogLeNetConfig(dropout=1.0)
    with pytest.raises(ConfigError, match="^--auxiliary-dropout must be at least 0 and below 1, got 1"):
        GoogLeNetConfig(auxiliary_dropout=1.0)
