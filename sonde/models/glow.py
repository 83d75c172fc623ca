"""A normalizing flow of affine couplings at several resolutions, for images."""

from dataclasses import dataclass
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts
from sonde.nn.invertible import CLASS_CONDITION, ActivationNorm, AffineCoupling, Chain, ChannelMix

MOST_LEVELS = 3


@dataclass(frozen=True, kw_only=True)
class GlowConfig:
    """Settings of the normalizing flow for images."""

    width: int = 64
    """Channels of the hidden layers in each coupling."""
    layers: int = 6
    """Affine couplings at each resolution, each behind an activation normalisation and a mix of all channels."""
    levels: int = 0
    """How often the sides are halved; 0 for as often as they can be, at most 3 times."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "layers")
        if self.levels < 0:
            raise ConfigError(f"--levels must be at least 1, or 0 for as many as the sides allow, got {self.levels}")


class Factors(nn.Module):
    """(B, before, H, W) and a condition -> (B, after, H, W): three convolutions; begins by answering 0."""

    def __init__(self, before: int, after: int, width: int) -> None:
        super().__init__()
        self.stem, self.hidden = nn.Conv2d(before, width, 3, padding=1), nn.Conv2d(width, width, 1)
        self.condition, self.head = nn.Linear(CLASS_CONDITION, width), nn.Conv2d(width, after, 3, padding=1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    def forward(self, input: Tensor, condition: Tensor) -> Tensor:
        """(B, before, H, W), (B, CLASS_CONDITION) -> (B, after, H, W)."""
        hidden = F.silu(self.stem(input) + self.condition(condition)[:, :, None, None])
        return self.head(F.silu(self.hidden(hidden)))


class Glow(nn.Module):
    """(B, C, H, W) and a condition (B, `condition`) -> (normal numbers (B, C, H, W), log-determinant of the Jacobian (B,)).

    At each level blocks of 2x2 pixels become channels, couplings follow, and half of the channels is done.
    Source: Kingma and Dhariwal 2018, arXiv:1807.03039; several resolutions: Dinh, Sohl-Dickstein and Bengio 2016,
    arXiv:1605.08803, section 3.6
    """

    def __init__(self, input: InputSpec, out_dim: int, config: GlowConfig) -> None:
        """out_dim: not used, as what comes out is like what goes in

        Raises: ConfigError for sides that cannot be halved as often
        """
        super().__init__()
        self.shape, self.condition = input.shape, CLASS_CONDITION
        channels = input.shape[0]
        self.levels = nn.ModuleList()
        self.sizes: list[tuple[int, ...]] = []  # of what is done at each level
        for level in range(_levels(input, config.levels)):
            channels *= 4
            steps: list[nn.Module] = []
            for _ in range(config.layers):
                network = Factors(channels // 2, 2 * (channels - channels // 2), config.width)
                steps += [ActivationNorm(channels), ChannelMix(channels), AffineCoupling(channels, network)]
            self.levels.append(Chain([*steps, ActivationNorm(channels)]))
            sides = tuple(side >> (level + 1) for side in input.shape[1:])
            self.sizes.append((channels // 2, *sides))
            channels //= 2
        self.sizes[-1] = (2 * channels, *self.sizes[-1][1:])  # nothing is left to go on with

    def forward(self, input: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """(B, C, H, W), (B, `condition`) -> (B, C, H, W), (B,)."""
        total, done, maps = input.new_zeros(len(input)), [], input
        for chain, size in zip(self.levels, self.sizes, strict=True):
            maps, volume = chain(F.pixel_unshuffle(maps, 2), condition)
            total = total + volume
            done.append(maps[:, : size[0]].flatten(1))
            maps = maps[:, size[0] :]
        return torch.cat(done, 1).view_as(input), total

    def inverse(self, normal: Tensor, condition: Tensor) -> Tensor:
        """(B, C, H, W), (B, `condition`) -> (B, C, H, W)."""
        parts = normal.flatten(1).split([prod(size) for size in self.sizes], 1)
        maps = normal.new_zeros(len(normal), 0, *self.sizes[-1][1:])
        for chain, size, part in reversed(list(zip(self.levels, self.sizes, parts, strict=True))):
            joined = torch.cat([part.view(-1, *size), maps], 1)
            maps = F.pixel_shuffle(chain.inverse(joined, condition), 2)  # type: ignore[operator]
        return maps


def _levels(input: InputSpec, asked: int) -> int:
    """How often the sides are halved. Raises: ConfigError where they cannot be"""
    height, width = input.shape[1:]
    able = 0
    while able < max(MOST_LEVELS, asked) and not (height % 2 ** (able + 1) or width % 2 ** (able + 1)):
        able += 1
    if able == 0 or asked > able:
        unit = 2 ** max(asked, 2)
        larger = -(-max(height, width) // unit) * unit
        times = f"{asked} times" if asked > 1 else "once"
        raise ConfigError(
            f"--model glow halves the sides of images {times}, and {width} x {height} pixels cannot be; give --image-size "
            f"{larger}" + (f", or --levels {able}" if able else "")
        )
    return asked or able
