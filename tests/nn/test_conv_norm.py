import pytest
import torch
from torch import nn

from sonde.nn.conv_norm import conv_norm, scaled_channels


@pytest.mark.parametrize("kernel", [1, 3, 5])
@pytest.mark.parametrize(("stride", "side"), [(1, 9), (2, 5)])
def test_padding_keeps_the_sides_and_a_stride_halves_them_rounded_up(kernel: int, stride: int, side: int):
    layers = conv_norm(4, 6, kernel, stride=stride)
    assert layers(torch.zeros(2, 4, 9, 9)).shape == (2, 6, side, side)


def test_layers_are_convolution_norm_and_activation_and_only_the_norm_has_a_shift():
    layers = conv_norm(4, 6, 3, activation=nn.Hardswish)
    assert [type(layer) for layer in layers] == [nn.Conv2d, nn.BatchNorm2d, nn.Hardswish]
    assert [name for name, _ in layers.named_parameters()] == ["0.weight", "1.weight", "1.bias"]
    assert len(conv_norm(4, 6, 3, activation=None)) == 2


def test_norm_is_the_one_asked_for():
    norm = conv_norm(4, 6, 1, norm=lambda channels: nn.GroupNorm(2, channels))[1]
    assert isinstance(norm, nn.GroupNorm)


def test_with_a_group_a_channel_no_channel_sees_another():
    torch.manual_seed(0)
    layers = conv_norm(3, 3, 3, groups=3).eval()
    input = torch.randn(1, 3, 5, 5)
    changed = input.clone()
    changed[:, 1] += 1
    moved = (layers(changed) != layers(input)).flatten(2).any(2)
    assert moved.tolist() == [[False, True, False]]


def test_scaled_channels_are_the_nearest_multiples_of_8_that_lose_less_than_a_tenth():
    for tenths in range(1, 20_000):
        wanted = tenths / 10
        allowed = [c for c in range(8, 2_016, 8) if c >= 0.9 * wanted]
        assert scaled_channels(wanted) == min(allowed, key=lambda c: (abs(c - wanted), -c))
