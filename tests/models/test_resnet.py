import pytest
import torch

from sonde.core.dataset import InputSpec
from sonde.models.build import build, describe
from sonde.models.resnet import Bottleneck, ResNetConfig

PHOTO = InputSpec(kind="image", shape=(3, 224, 224))
THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))


@pytest.mark.parametrize(
    ("name", "parameters", "gmacs"),
    [  # torchvision's documented num_params and _ops, ResNet*, ResNeXt* and Wide_ResNet*_Weights.IMAGENET1K_V1
        ("resnet18", 11_689_512, 1.814),
        ("resnet34", 21_797_672, 3.664),
        ("resnet50", 25_557_032, 4.089),
        ("resnet101", 44_549_160, 7.801),
        ("resnet152", 60_192_808, 11.514),
        ("resnext50-32x4d", 25_028_904, 4.23),
        ("resnext101-32x8d", 88_791_336, 16.414),
        ("wide-resnet50-2", 68_883_240, 11.398),
        ("wide-resnet101-2", 126_886_696, 22.753),
    ],
)
def test_parameters_and_arithmetic_are_the_published_ones(name: str, parameters: int, gmacs: float):
    facts = describe(name, PHOTO, 1000)
    assert facts.parameters == parameters
    assert facts.flops / 2e9 == pytest.approx(gmacs, rel=1e-3)


def test_names_are_torchvisions():
    with torch.device("meta"):
        names = list(build("resnet50", PHOTO, 1000).state_dict())
    assert len(names) == 320
    for expected in ("conv1.weight", "bn1.running_var", "layer1.0.downsample.0.weight", "layer4.2.bn3.bias", "fc.bias"):
        assert expected in names


@pytest.mark.parametrize(
    ("spec", "stem", "side"),
    [(PHOTO, "auto", 7), (THUMBNAIL, "auto", 4), (THUMBNAIL, "imagenet", 1), (PHOTO, "small", 28)],
)
def test_stem_decides_what_the_last_stage_sees(spec: InputSpec, stem, side: int):
    with torch.device("meta"):
        model = build("resnet18", spec, 10, ResNetConfig(stem=stem))
        seen: list[tuple[int, ...]] = []
        model.get_submodule("layer4").register_forward_hook(lambda _module, _args, maps: seen.append(tuple(maps.shape)))
        model.eval()(torch.zeros(1, *spec.shape))
    assert seen == [(1, 512, side, side)]


def test_auto_keeps_the_resolution_up_to_64_pixels():
    for side, kernel in ((64, 3), (65, 7)):
        with torch.device("meta"):
            model = build("resnet18", InputSpec(kind="image", shape=(3, side, side)), 10)
        assert model.get_parameter("conv1.weight").shape[-1] == kernel


@pytest.mark.parametrize("name", ["resnet18", "resnet50"])
def test_zero_init_residual_starts_blocks_as_the_identity(name: str):
    torch.manual_seed(0)
    model = build(name, THUMBNAIL, 10, ResNetConfig(zero_init_residual=True)).eval()
    block = model.get_submodule("layer1.1")
    maps = torch.rand(2, 64 * (4 if name == "resnet50" else 1), 8, 8)  # positive, so the last ReLU lets it pass
    assert torch.equal(block(maps), maps)
    plain = build(name, THUMBNAIL, 10).eval().get_submodule("layer1.1")
    assert not torch.equal(plain(maps), maps)


def test_convolutions_start_as_he_drew_them():
    torch.manual_seed(0)
    weight = build("resnet18", THUMBNAIL, 10).get_parameter("layer3.1.conv2.weight")
    assert weight.std().item() == pytest.approx((2 / (256 * 9)) ** 0.5, rel=0.01)


def test_groups_do_not_see_each_other():
    torch.manual_seed(0)
    with torch.device("meta"):
        assert build("resnext50-32x4d", PHOTO, 10).get_parameter("layer1.0.conv2.weight").shape == (128, 4, 3, 3)
        assert build("wide-resnet50-2", PHOTO, 10).get_parameter("layer4.2.conv2.weight").shape == (1024, 1024, 3, 3)
    middle = Bottleneck(16, 64, 1, groups=32, width_per_group=4).conv2
    input = torch.randn(1, 128, 4, 4, requires_grad=True)
    middle(input)[:, 40:44].sum().backward()  # the eleventh group
    assert input.grad is not None
    assert input.grad.abs().amax((0, 2, 3)).nonzero().flatten().tolist() == [40, 41, 42, 43]
