import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.build import build, describe
from sonde.models.preact_resnet import PreactResNetConfig

PHOTO = InputSpec(kind="image", shape=(3, 224, 224))
THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))
DEPTHS = {"preact-resnet18": (2, 2, 2, 2), "preact-resnet34": (3, 4, 6, 3), "preact-resnet50": (3, 4, 6, 3)}
CONVOLUTIONS = {"preact-resnet18": 2, "preact-resnet34": 2, "preact-resnet50": 3}


def reference(values: dict[str, Tensor], input: Tensor, name: str) -> Tensor:
    """The network as the paper's figure 4e and appendix say, one block after the other, from its values by name."""

    def active(maps: Tensor, norm: str) -> Tensor:
        mean, var, scale, shift = (
            values[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
        )
        shape = (1, -1, 1, 1)
        normed = (maps - mean.view(shape)) / (var.view(shape) + 1e-5).sqrt() * scale.view(shape) + shift.view(shape)
        return normed.clamp(min=0)

    maps = active(F.conv2d(input, values["conv1.weight"], padding=1), "bn1")
    for stage, depth in enumerate(DEPTHS[name], 1):
        for index in range(depth):
            block = f"layer{stage}.{index}"
            first = stage == 1 and index == 0
            before = maps if first else active(maps, f"{block}.bn1")
            stride = 2 if stage > 1 and index == 0 else 1
            around = maps
            if f"{block}.shortcut.weight" in values:
                around = F.conv2d(before, values[f"{block}.shortcut.weight"], stride=stride)
            inner = before
            for number in range(1, CONVOLUTIONS[name] + 1):
                weight = values[f"{block}.conv{number}.weight"]
                if number > 1:
                    inner = active(inner, f"{block}.bn{number}")
                strided = number == (2 if CONVOLUTIONS[name] == 3 else 1)
                inner = F.conv2d(inner, weight, stride=stride if strided else 1, padding=weight.shape[-1] // 2)
            maps = around + inner
    return active(maps, "bn2").mean((2, 3)) @ values["fc.weight"].T + values["fc.bias"]


@pytest.mark.parametrize("name", ["preact-resnet18", "preact-resnet50"])
def test_logits_and_gradients_are_those_of_the_paper_written_out(name: str):
    generator = torch.Generator().manual_seed(0)
    torch.manual_seed(0)
    model = build(name, THUMBNAIL, 10).double().eval()
    for key, value in model.state_dict().items():
        if value.ndim == 1:
            low = 0.5 if key.endswith(("running_var", "weight")) else 0.0
            value.copy_(low + torch.rand(value.shape, generator=generator, dtype=torch.float64))
    input = torch.randn(2, 3, 16, 16, generator=generator, dtype=torch.float64)
    values = {k: v.detach().clone().requires_grad_(v.is_floating_point()) for k, v in model.state_dict().items()}
    ours, theirs = model(input), reference(values, input, name)
    assert theirs.std() > 0.1
    assert torch.allclose(ours, theirs, rtol=1e-9)
    ours.square().sum().backward()
    theirs.square().sum().backward()
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert torch.allclose(
            parameter.grad, values[key].grad, rtol=1e-7, atol=1e-9 * float(parameter.grad.abs().max())
        )


@pytest.mark.parametrize(
    ("name", "twin", "shortcuts"), [("preact-resnet18", "resnet18", 3), ("preact-resnet34", "resnet34", 3)]
)
def test_parameters_differ_from_the_originals_by_the_norms_alone(name: str, twin: str, shortcuts: int):
    before = sum(2 * c for c in (128, 256, 512))  # the norms of the shortcuts, which are gone
    moved = -sum(2 * (out - into) for into, out in ((64, 128), (128, 256), (256, 512)))  # bn1 stands before conv1
    added = 2 * 512 - 2 * 64  # the last norm; the first block's, which is the stem's
    assert describe(name, PHOTO, 1000).parameters == describe(twin, PHOTO, 1000).parameters - before + moved + added
    with torch.device("meta"):
        names = list(build(name, PHOTO, 1000).state_dict())
    assert len([n for n in names if "shortcut" in n]) == shortcuts
    assert "layer1.0.bn1.weight" not in names


def test_arithmetic_is_that_of_the_originals():
    for name, twin in (("preact-resnet18", "resnet18"), ("preact-resnet50", "resnet50")):
        assert describe(name, PHOTO, 1000).flops == describe(twin, PHOTO, 1000).flops


def test_what_goes_around_is_untouched_within_a_stage():
    torch.manual_seed(0)
    model = build("preact-resnet18", THUMBNAIL, 10).eval()
    block = model.get_submodule("layer2.1")
    nn.init.zeros_(block.get_parameter("conv2.weight"))
    maps = torch.randn(2, 128, 8, 8)  # negative values too: no ReLU stands on the way
    assert torch.equal(block(maps), maps)


@pytest.mark.parametrize(
    ("spec", "stem", "side"), [(PHOTO, "auto", 7), (THUMBNAIL, "auto", 4), (THUMBNAIL, "imagenet", 1)]
)
def test_stem_decides_what_the_last_stage_sees(spec: InputSpec, stem, side: int):
    with torch.device("meta"):
        model = build("preact-resnet18", spec, 10, PreactResNetConfig(stem=stem))
        seen: list[tuple[int, ...]] = []
        model.get_submodule("layer4").register_forward_hook(lambda _module, _args, maps: seen.append(tuple(maps.shape)))
        model.eval()(torch.zeros(1, *spec.shape))
    assert seen == [(1, 512, side, side)]
