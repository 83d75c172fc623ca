"""U-Net: a contracting path, an expanding path, and skip connections between them."""

from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_counts
from sonde.nn.conv_norm import conv_norm

PAPER_WIDTHS = (64, 128, 256, 512, 1024)
SMALL_WIDTHS = (16, 32, 64, 128, 256)


@dataclass(frozen=True, kw_only=True)
class UNetConfig:
    """Settings of U-Net."""

    widths: tuple[int, ...] = ()
    """Channels at each resolution, from full resolution down by halves. By default those of the model's size."""
    layers: int = 2
    """3x3 convolutions at each resolution, in the encoder and in the decoder."""

    def __post_init__(self) -> None:
        check_counts(self, "widths", "layers")


class Convolutions(nn.Sequential):
    """`depth` 3x3 convolutions, each followed by batch norm and ReLU: (B, in, H, W) -> (B, width, H, W).

    Padded, so that sizes stay, and with norms: both unlike the paper, as everybody has it since.
    """

    def __init__(self, in_channels: int, width: int, depth: int) -> None:
        layers: list[nn.Module] = []
        for index in range(depth):
            layers += conv_norm(width if index else in_channels, width, 3)
        super().__init__(*layers)


class Up(nn.Module):
    """Doubles a map by a transposed convolution, concatenates the skip connection, and convolves both."""

    def __init__(self, in_channels: int, width: int, depth: int) -> None:
        super().__init__()
        self.enlarge = nn.ConvTranspose2d(in_channels, width, 2, stride=2)
        self.convolutions = Convolutions(2 * width, width, depth)

    def forward(self, input: Tensor, skip: Tensor) -> Tensor:
        """(B, in, H, W), (B, width, 2H, 2W) -> (B, width, 2H, 2W)."""
        return self.convolutions(torch.cat([skip, self.enlarge(input)], 1))


class UNet(nn.Module):
    """Logits of every pixel: (B, C, H, W) -> (B, out_dim, H, W).

    Images whose sides cannot be halved often enough are continued at the right and below by their last pixels.
    Source: Ronneberger, Fischer and Brox 2015, arXiv:1505.04597, figure 1
    """

    def __init__(self, input: InputSpec, out_dim: int, config: UNetConfig, *, widths: tuple[int, ...]) -> None:
        """widths: those of the size, by default"""
        super().__init__()
        widths, depth = config.widths or widths, config.layers
        before = (input.shape[0], *widths[:-1])
        self.down = nn.ModuleList(Convolutions(c, width, depth) for c, width in zip(before, widths, strict=True))
        self.halve = nn.MaxPool2d(2)
        self.up = nn.ModuleList(Up(widths[i + 1], widths[i], depth) for i in reversed(range(len(widths) - 1)))
        self.head = nn.Conv2d(widths[0], out_dim, 1)
        self.multiple = 2 ** (len(widths) - 1)
        for module in self.modules():  # as section 3 of the paper has it; biases as PyTorch draws them
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, out_dim, H, W)."""
        height, width = input.shape[2:]
        maps = F.pad(input, (0, -width % self.multiple, 0, -height % self.multiple), mode="replicate")
        skip: list[Tensor] = []
        for number, stage in enumerate(self.down):
            maps = stage(self.halve(maps) if number else maps)
            skip.append(maps)
        skip.pop()
        for stage in self.up:
            maps = stage(maps, skip.pop())
        return self.head(maps)[:, :, :height, :width]


unet = partial(UNet, widths=PAPER_WIDTHS)
"""Widths 64 to 1024 over five resolutions, as in the paper."""
unet_small = partial(UNet, widths=SMALL_WIDTHS)
"""A quarter of the paper's widths: a sixteenth of the work, for training on a CPU."""
