"""A convolutional encoder and decoder, mirror images of each other, without shortcuts between them."""

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts


@dataclass(frozen=True, kw_only=True)
class AutoencoderCNNConfig:
    """Settings of the convolutional autoencoder."""

    widths: tuple[int, ...] = (32, 64)
    """Channels after each halving of the resolution."""
    layers: int = 1
    """Residual blocks at the lowest resolution, in the encoder and in the decoder."""

    def __post_init__(self) -> None:
        check_counts(self, "widths", "layers")


class Residual(nn.Module):
    """A 3x3 and a 1x1 convolution with a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(width, width, 3, padding=1), nn.Conv2d(width, width, 1)

    def forward(self, input: Tensor) -> Tensor:
        """(B, width, H, W) -> the same."""
        return input + self.conv2(F.relu(self.conv1(F.relu(input))))


class AutoencoderCNN(nn.Module):
    """`encode`: (B, C, H, W) -> (B, *code);  `decode`: (B, *code) -> (B, C, H, W). A task puts its bottleneck between the two.

    Sides that cannot be halved often enough are continued at the right and below by their last pixels, and cut off again.
    Source: van den Oord, Vinyals and Kavukcuoglu 2017, Neural discrete representation learning, arXiv:1711.00937, section 4.1
    """

    def __init__(self, input: InputSpec, out_dim: int, config: AutoencoderCNNConfig) -> None:
        """out_dim: not used, as what comes out is like what goes in;  Raises: ConfigError for inputs that are no images"""
        super().__init__()
        if not input.has_planes:
            raise ConfigError(f"autoencoder-cnn reads images, not rows of shape {input.shape}; take autoencoder-mlp")
        channels, height, width = input.shape
        widths = config.widths
        self.multiple = 2 ** len(widths)
        self.out: tuple[int, ...] = input.shape
        self.code: tuple[int, ...] = (widths[-1], -(-height // self.multiple), -(-width // self.multiple))
        down: list[nn.Module] = []
        for before, after in zip((channels, *widths), widths, strict=False):
            down += [nn.Conv2d(before, after, 4, stride=2, padding=1), nn.ReLU()]
        self.encoder = nn.Sequential(*down[:-1], *(Residual(widths[-1]) for _ in range(config.layers)), nn.ReLU())
        up: list[nn.Module] = [nn.Conv2d(widths[-1], widths[-1], 3, padding=1)]
        up += [Residual(widths[-1]) for _ in range(config.layers)]
        for before, after in zip(widths[::-1], (*widths[-2::-1], channels), strict=True):
            up += [nn.ReLU(), nn.ConvTranspose2d(before, after, 4, stride=2, padding=1)]
        self.decoder = nn.Sequential(*up)

    def encode(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, *code)."""
        height, width = input.shape[2:]
        below, right = -height % self.multiple, -width % self.multiple
        return self.encoder(F.pad(input, (0, right, 0, below), mode="replicate") if below or right else input)

    def decode(self, code: Tensor) -> Tensor:
        """(B, *code) -> (B, C, H, W)."""
        return self.decoder(code)[:, :, : self.out[1], : self.out[2]]

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape, without a bottleneck."""
        return self.decode(self.encode(input))
