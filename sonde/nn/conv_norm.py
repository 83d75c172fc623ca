"""A convolution, its norm and its activation, and the channel counts of the networks made of them."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

Norm = Callable[[int], nn.Module]  # from the number of channels


def conv_norm(
    in_channels: int,
    out_channels: int,
    kernel: int,
    *,
    stride: int = 1,
    groups: int = 1,
    dilation: int = 1,
    norm: Norm = nn.BatchNorm2d,
    activation: type[nn.Module] | None = nn.ReLU,
) -> nn.Sequential:
    """Convolution without bias, norm, and activation where there is one: (B, in, H, W) -> (B, out, H/stride, W/stride).

    kernel: odd; half of it is padded, so that a stride of 1 keeps the sides and one of 2 halves them, rounded up
    """
    padding = dilation * (kernel // 2)
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, groups, bias=False),
        norm(out_channels),
    ]
    if activation is not None:
        layers.append(activation(inplace=True))
    return nn.Sequential(*layers)


class ConvNorm(nn.Module):
    """A convolution without bias, batch norm and ReLU, by torchvision's names in its Inception networks.

    padded: zeros around the map, so that its size stays at stride 1
    """

    def __init__(
        self, in_channels: int, width: int, kernel: int | tuple[int, int], *, stride: int = 1, padded: bool = True
    ) -> None:
        super().__init__()
        high, wide = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        padding = (high // 2, wide // 2) if padded else 0
        self.conv = nn.Conv2d(in_channels, width, (high, wide), stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(width, eps=1e-3)

    def forward(self, input: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, width, …)."""
        return F.relu(self.bn(self.conv(input)), inplace=True)


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each place: (B, C, H, W) -> (B, C, H, W). What is padded changes none of the others."""

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C, H, W)."""
        last = input.permute(0, 2, 3, 1)
        return F.layer_norm(last, self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)


def scaled_channels(channels: float) -> int:
    """The nearest multiple of 8, at least 8, that is at least nine tenths of `channels`: what scaled networks are built with.

    Source: Sandler et al. 2018, arXiv:1801.04381, as its authors' code has it

    >>> [scaled_channels(c) for c in (3, 16, 19.2, 20, 28.8, 11)]
    [8, 16, 24, 24, 32, 16]
    """
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest
