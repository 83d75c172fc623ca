"""A generator of images and its critic, after DCGAN, for images of any size."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts

LEAST = 8  # pixels of the smaller side, down to which halving goes by default
SLOPE = 0.2  # of leaky ReLUs below 0


@dataclass(frozen=True, kw_only=True)
class DCGANConfig:
    """Settings of the generator and its critic."""

    widths: tuple[int, ...] = ()
    """Channels after each halving, from full resolution down; none: 64, then doubled, down to a side of at most 8 pixels."""
    noise_size: int = 64
    """Numbers of noise that an input is made of."""

    def __post_init__(self) -> None:
        check_counts(self, "widths", "noise_size")


class ScaledNorm(nn.Module):
    """Batch norm whose scale and shift come from the condition (Chen et al. 2018, arXiv:1810.01365)."""

    def __init__(self, width: int, condition: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(width, affine=False)
        self.condition = nn.Linear(condition, 2 * width)
        nn.init.normal_(self.condition.weight, std=0.02)
        nn.init.zeros_(self.condition.bias)

    def forward(self, maps: Tensor, condition: Tensor) -> Tensor:
        """(B, width, H, W), (B, condition) -> the same maps, scaled and shifted."""
        scale, shift = self.condition(condition)[:, :, None, None].chunk(2, 1)
        return torch.addcmul(shift, self.norm(maps), 1 + scale)


class Generator(nn.Module):
    """Noise to images: a small map, enlarged by transposed convolutions."""

    low: Tensor
    high: Tensor

    def __init__(self, input: InputSpec, widths: tuple[int, ...], latent: int) -> None:
        super().__init__()
        channels, *self.size = input.shape
        self.smallest = tuple(-(-side // 2 ** len(widths)) for side in self.size)
        rising = widths[::-1]
        self.first = nn.Linear(latent, rising[0] * self.smallest[0] * self.smallest[1])
        self.norms = nn.ModuleList(ScaledNorm(width, latent) for width in rising)
        after = (*rising[1:], channels)
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(width, wider, 4, stride=2, padding=1) for width, wider in zip(rising, after, strict=True)
        )
        mean = torch.tensor(input.mean or (0.0,) * channels).view(-1, 1, 1)
        std = torch.tensor([each or 1.0 for each in input.std] or (1.0,) * channels).view(-1, 1, 1)
        # black and white as the network is fed, between which tanh goes
        self.register_buffer("low", (0 - mean) / std if input.mean else mean - 1, persistent=False)
        self.register_buffer("high", (1 - mean) / std if input.mean else mean + 1, persistent=False)

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """(B, latent), (B, latent) -> (B, C, H, W), from black to white."""
        maps = self.first(noise).view(len(noise), -1, *self.smallest)
        for norm, enlarge in zip(self.norms, self.enlarge, strict=True):
            maps = enlarge(F.relu(norm(maps, condition)))
        height, length = self.size
        maps = torch.tanh(maps[:, :, :height, :length])
        return torch.lerp(self.low, self.high, (maps + 1) / 2)


class Critic(nn.Module):
    """Images to what is seen in them: convolutions that halve, without norms, so that each row is judged by itself."""

    def __init__(self, input: InputSpec, widths: tuple[int, ...]) -> None:
        super().__init__()
        channels, *size = input.shape
        before = (channels, *widths[:-1])
        self.halve = nn.ModuleList(
            nn.Conv2d(narrow, width, 4, stride=2, padding=1) for narrow, width in zip(before, widths, strict=True)
        )
        self.multiple = 2 ** len(widths)
        smallest = [-(-side // self.multiple) for side in size]
        self.features = widths[-1] * smallest[0] * smallest[1]

    def forward(self, input: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, features)."""
        height, length = input.shape[2:]
        maps = F.pad(input, (0, -length % self.multiple, 0, -height % self.multiple), mode="replicate")
        for halve in self.halve:
            maps = F.leaky_relu(halve(maps), SLOPE)
        return maps.flatten(1)


class DCGAN(nn.Module):
    """A generator and a critic of images; which class is made, and what looks real, are layers of the task.

    Sides that cannot be halved often enough are made larger and cut, and judged with their last pixels repeated.
    Source: after Radford, Metz and Chintala 2015, arXiv:1511.06434; the critic without batch norm, as Gulrajani et al. 2017,
    arXiv:1704.00028, since penalties of its gradient are of single rows
    """

    def __init__(self, input: InputSpec, out_dim: int, config: DCGANConfig) -> None:
        """out_dim: not used, as what comes out is like what goes in. Raises: ConfigError for more halvings than pixels"""
        super().__init__()
        widths = config.widths or usual_widths(input.shape)
        if 2 ** len(widths) > 2 * max(input.shape[1:]):
            sides = " x ".join(map(str, input.shape[1:]))
            most = max(input.shape[1:]).bit_length()
            raise ConfigError(
                f"--widths has {len(widths)} halvings, and images of {sides} pixels allow {most}; give at most {most} widths"
            )
        self.latent = config.noise_size
        self.generator = Generator(input, widths, config.noise_size)
        self.critic = Critic(input, widths)
        for part in self.modules():  # arXiv:1511.06434, section 3
            if isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.normal_(part.weight, std=0.02 if isinstance(part, nn.ConvTranspose2d) else 0.05)
                nn.init.zeros_(part.bias)  # type: ignore[arg-type]

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """(B, latent), (B, latent) -> (B, features) of what the critic sees in what is made of them."""
        return self.critic(self.generator(noise, condition))


def usual_widths(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Channels for images of a shape (C, H, W).

    >>> usual_widths((1, 28, 28)), usual_widths((3, 64, 64)), usual_widths((1, 8, 8))
    ((64, 128), (64, 128, 256), (64,))
    """
    side, widths = min(shape[1:]), [64]
    while (side := -(-side // 2)) > LEAST:
        widths.append(2 * widths[-1])
    return tuple(widths)
