import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.build import build, describe
from sonde.models.unet import UNet, UNetConfig


def spec(side: int = 32, channels: int = 3) -> InputSpec:
    return InputSpec(kind="image", shape=(channels, side, side))


def by_hand(state: dict[str, Tensor], input: Tensor, levels: int) -> Tensor:
    """Figure 1 of the paper in plain functions, in evaluation mode, two convolutions a level."""

    def convolved(maps: Tensor, prefix: str) -> Tensor:
        for place in (0, 3):
            maps = F.conv2d(maps, state[f"{prefix}.{place}.weight"], padding=1)
            norm = f"{prefix}.{place + 1}"
            mean, var = state[f"{norm}.running_mean"], state[f"{norm}.running_var"]
            maps = (maps - mean[:, None, None]) / (var[:, None, None] + 1e-5).sqrt()
            maps = (maps * state[f"{norm}.weight"][:, None, None] + state[f"{norm}.bias"][:, None, None]).clamp(min=0)
        return maps

    kept = [convolved(input, "down.0")]
    for level in range(1, levels):
        kept.append(convolved(F.max_pool2d(kept[-1], 2), f"down.{level}"))
    maps = kept.pop()
    for step in range(levels - 1):
        weight, bias = state[f"up.{step}.enlarge.weight"], state[f"up.{step}.enlarge.bias"]
        larger = torch.einsum("bihw,iojk->bohjwk", maps, weight).flatten(4).flatten(2, 3) + bias[:, None, None]
        maps = convolved(torch.cat([kept.pop(), larger], 1), f"up.{step}.convolutions")
    return F.conv2d(maps, state["head.weight"], state["head.bias"])


def test_is_the_figure_of_the_paper() -> None:
    torch.manual_seed(0)
    model = build("unet-small", spec(), 3, UNetConfig(widths=(4, 6, 8))).double()
    input = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    model.train()(input)  # moves the running statistics from where they start
    expected = by_hand(model.state_dict(), input, 3)
    torch.testing.assert_close(model.eval()(input), expected, rtol=1e-10, atol=1e-10)


def test_the_papers_network_has_the_known_size() -> None:
    # of the common re-implementation with norms in place of biases (github.com/milesial/Pytorch-UNet: 3 channels, 2 classes)
    assert describe("unet", spec(64), 2).parameters == 31_037_698


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 30), (5, 63), (1, 1)])
def test_any_size_comes_back(height: int, width: int) -> None:
    model = build("unet-small", spec(), 4, UNetConfig(widths=(2, 4, 6, 8, 10))).eval()
    with torch.no_grad():
        assert model(torch.randn(2, 3, height, width)).shape == (2, 4, height, width)


def test_what_is_added_to_an_odd_size_is_its_last_pixels() -> None:
    model = build("unet-small", spec(), 1, UNetConfig(widths=(2, 4, 6))).eval()
    input = torch.randn(1, 3, 10, 9)
    larger = torch.cat([input, *[input[..., -1:]] * 3], 3)
    larger = torch.cat([larger, *[larger[..., -1:, :]] * 2], 2)
    with torch.no_grad():
        torch.testing.assert_close(model(input), model(larger)[..., :10, :9])


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"widths": (8, 0)}, "--widths must be at least 1, got 0"), ({"layers": 0}, "--layers must be at least 1, got 0")],
)
def test_settings_are_checked(settings: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        UNetConfig(**settings)


def test_one_width_is_a_plain_stack() -> None:
    model = build("unet-small", spec(), 2, UNetConfig(widths=(8,), layers=3))
    assert isinstance(model, UNet)
    assert not len(model.up)
    assert model(torch.randn(2, 3, 7, 7)).shape == (2, 2, 7, 7)
