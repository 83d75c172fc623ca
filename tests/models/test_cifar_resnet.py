import pytest
import torch
import torch.nn.functional as F

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build, describe
from sonde.models.cifar_resnet import Block, CifarResNetConfig

THUMBNAIL = InputSpec(kind="image", shape=(3, 32, 32))


@pytest.mark.parametrize(
    ("name", "millions"),
    [  # He et al. 2015, table 6
        ("resnet20", 0.27),
        ("resnet32", 0.46),
        ("resnet44", 0.66),
        ("resnet56", 0.85),
        ("resnet110", 1.7),
    ],
)
def test_parameters_are_the_published_ones(name: str, millions: float):
    digits = 1 if name == "resnet110" else 2
    assert round(describe(name, THUMBNAIL, 10).parameters / 1e6, digits) == millions


@pytest.mark.parametrize(("name", "n"), [("resnet20", 3), ("resnet110", 18), ("plain56", 9)])
def test_layers_parameters_and_arithmetic_follow_from_n(name: str, n: int):
    facts = describe(name, THUMBNAIL, 10)
    kernels = [(3, 16, 1024)] + [(16, 16, 1024)] * 2 * n  # (in, out, pixels of the output)
    kernels += [(16, 32, 256)] + [(32, 32, 256)] * (2 * n - 1) + [(32, 64, 64)] + [(64, 64, 64)] * (2 * n - 1)
    assert len(kernels) + 1 == int(name.removeprefix("resnet").removeprefix("plain"))
    assert facts.parameters == sum(9 * i * o + 2 * o for i, o, _ in kernels) + 64 * 10 + 10
    assert facts.flops == 2 * (sum(9 * i * o * pixels for i, o, pixels in kernels) + 64 * 10)


def test_plain_networks_have_the_parameters_of_the_residual_ones_and_other_outputs():
    torch.manual_seed(0)
    residual, plain = build("resnet20", THUMBNAIL, 10).eval(), build("plain20", THUMBNAIL, 10).eval()
    plain.load_state_dict(residual.state_dict(), strict=True)
    input = torch.randn(2, 3, 32, 32)
    assert not torch.allclose(residual(input), plain(input), atol=1e-2)


@pytest.mark.parametrize(("channels", "width", "stride"), [(4, 4, 1), (4, 8, 2)])
def test_way_around_takes_every_stride_th_pixel_and_zeros_for_new_channels(channels: int, width: int, stride: int):
    torch.manual_seed(0)
    block = Block(channels, width, stride, residual=True).double().eval()
    input = torch.randn(2, channels, 7, 7, dtype=torch.float64)
    maps = F.conv2d(input, block.conv1.weight, stride=stride, padding=1).clamp(min=0) / (1 + 1e-5) ** 0.5
    expected = F.conv2d(maps, block.conv2.weight, padding=1) / (1 + 1e-5) ** 0.5
    for y in range(0, 7, stride):
        for x in range(0, 7, stride):
            expected[:, :channels, y // stride, x // stride] += input[:, :, y, x]
    assert torch.allclose(block(input), expected.clamp(min=0), atol=1e-12)


def test_width_scales_every_stage():
    with torch.device("meta"):
        model = build("resnet20", THUMBNAIL, 10, CifarResNetConfig(width=24))
    assert model.get_parameter("conv1.weight").shape[0] == 24
    assert model.get_parameter("layer2.0.conv1.weight").shape[:2] == (48, 24)
    assert model.get_parameter("fc.weight").shape == (10, 96)


def test_convolutions_start_as_he_drew_them_by_fan_in():
    torch.manual_seed(0)
    weight = build("resnet20", THUMBNAIL, 10).get_parameter("layer3.0.conv1.weight")
    assert weight.std().item() == pytest.approx((2 / (32 * 9)) ** 0.5, rel=0.02)


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 96, 96), (4, 15, 20)])
def test_any_image_fits(shape: tuple[int, ...]):
    model = build("plain20", InputSpec(kind="image", shape=shape), 5).eval()
    assert model(torch.zeros(1, *shape)).shape == (1, 5)


def test_refuses_a_width_of_none_and_tables():
    with pytest.raises(ConfigError, match="--width must be at least 1, got 0"):
        CifarResNetConfig(width=0)
