"""A generator of rows of numbers and its critic: multilayer perceptrons."""

from dataclasses import dataclass
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.models.ranges import check_counts

SLOPE = 0.2  # of leaky ReLUs below 0


@dataclass(frozen=True, kw_only=True)
class GANMLPConfig:
    """Settings of the generator and its critic."""

    width: int = 256
    """Units of each layer."""
    layers: int = 3
    """Hidden layers of the generator, and of the critic."""
    noise_size: int = 32
    """Numbers of noise that an input is made of."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "layers", "noise_size")


class Generator(nn.Module):
    """Noise to rows of numbers; the condition is read beside the noise."""

    def __init__(self, shape: tuple[int, ...], config: GANMLPConfig) -> None:
        super().__init__()
        self.shape = shape
        sizes = (2 * config.noise_size, *(config.width,) * config.layers)
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False))
        self.norms = nn.ModuleList(nn.LayerNorm(config.width) for _ in range(config.layers))
        self.out = nn.Linear(config.width, prod(shape))

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """(B, latent), (B, latent) -> (B, *shape)."""
        hidden = torch.cat([noise, condition], 1)
        for layer, norm in zip(self.hidden, self.norms, strict=True):
            hidden = F.relu(norm(layer(hidden)))
        return self.out(hidden).view(len(noise), *self.shape)


class Critic(nn.Module):
    """Rows of numbers to what is seen in them."""

    def __init__(self, shape: tuple[int, ...], config: GANMLPConfig) -> None:
        super().__init__()
        sizes = (prod(shape), *(config.width,) * config.layers)
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False))
        self.features = config.width

    def forward(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, features)."""
        hidden = input.flatten(1)
        for layer in self.hidden:
            hidden = F.leaky_relu(layer(hidden), SLOPE)
        return hidden


class GANMLP(nn.Module):
    """A generator and a critic of rows of numbers; which class is made, and what looks real, are layers of the task."""

    def __init__(self, input: InputSpec, out_dim: int, config: GANMLPConfig) -> None:
        """out_dim: not used, as what comes out is like what goes in"""
        super().__init__()
        self.latent = config.noise_size
        self.generator = Generator(input.shape, config)
        self.critic = Critic(input.shape, config)

    def forward(self, noise: Tensor, condition: Tensor) -> Tensor:
        """(B, latent), (B, latent) -> (B, features) of what the critic sees in what is made of them."""
        return self.critic(self.generator(noise, condition))
