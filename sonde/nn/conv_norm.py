"""A convolution, its norm and its activation, and the channel counts of the networks made of them."""

from collections.abc import Callable

from torch import nn

Norm = Callable[[int], nn.Module]  # from the number of channels


def conv_norm(
    in_channels: int,
    out_channels: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    norm: Norm = nn.BatchNorm2d,
    activation: type[nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """Convolution without bias, norm, and activation where there is one: (B, in, H, W) -> (B, out, H/stride, W/stride).

    kernel: odd; half of it is padded, so that a stride of 1 keeps the sides and one of 2 halves them, rounded up
    """
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        norm(out_channels),
    ]
    if activation is not None:
        layers.append(activation(inplace=True))
    return nn.Sequential(*layers)


def scaled_channels(channels: float) -> int:
    """The nearest multiple of 8, at least 8, that is at least nine tenths of `channels`: what scaled networks are built with.

    Source: Sandler et al. 2018, arXiv:1801.04381, as its authors' code has it

    >>> [scaled_channels(c) for c in (3, 16, 19.2, 20, 28.8, 11)]
    [8, 16, 24, 24, 32, 16]
    """
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest
