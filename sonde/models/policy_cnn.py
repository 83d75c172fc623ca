"""Features of pixels that are acted on: the convolutional network of deep Q-learning."""

from dataclasses import dataclass
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.bounds import at_least
from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.nn.pixels import as_shares

KERNELS, STRIDES, CHANNELS = (8, 4, 3), (4, 2, 1), (32, 64, 64)
SMALLEST = 36  # pixels a side, of which its last convolution makes one


@dataclass(frozen=True, kw_only=True)
class PolicyCNNConfig:
    """Settings of the convolutional network below a policy or a value."""

    features: int = 512
    """Units of the layer behind the convolutions."""

    def __post_init__(self) -> None:
        at_least(self, 1, "features")


class PolicyCNN(nn.Module):
    """Pixels to features: three convolutions and a layer.

    Source: Mnih et al. 2015, Human-level control through deep reinforcement learning, Methods, "Model architecture"

    features: how many;  beside: how many numbers are read beside an observation, such as those of an action
    """

    def __init__(self, input: InputSpec, out_dim: int, config: PolicyCNNConfig, *, beside: int = 0) -> None:
        """out_dim: not used, as heads belong to the task. Raises: ConfigError for what is not pixels, or too few of them"""
        super().__init__()
        refuse_rows(input, "policy-cnn")
        if min(input.shape[1:]) < SMALLEST:
            raise ConfigError(
                f"--model policy-cnn takes pictures of at least {SMALLEST}x{SMALLEST} pixels, and these are "
                f"{input.shape[1]}x{input.shape[2]}; take policy-impala"
            )
        self._made_of = input, out_dim, config
        channels, sides = (input.shape[0], *CHANNELS), input.shape[1:]
        shapes = zip(channels, channels[1:], KERNELS, STRIDES, strict=False)
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, kernel, stride) for a, b, kernel, stride in shapes)
        for kernel, stride in zip(KERNELS, STRIDES, strict=True):
            sides = tuple((side - kernel) // stride + 1 for side in sides)
        self.layer = nn.Linear(CHANNELS[-1] * prod(sides) + beside, config.features)
        self.features = config.features

    def reading(self, beside: int) -> "PolicyCNN":
        """Another, with weights of its own, that reads so many numbers beside an observation."""
        input, out_dim, config = self._made_of
        return PolicyCNN(input, out_dim, config, beside=beside)

    def forward(self, input: Tensor, beside: Tensor | None = None) -> Tensor:
        """(B, C, H, W) bytes or from 0 to 1, (B, beside) -> (B, features)."""
        hidden = as_shares(input)
        for convolution in self.convolutions:
            hidden = F.relu(convolution(hidden))
        hidden = hidden.flatten(1)
        if beside is not None:
            hidden = torch.cat([hidden, beside], 1)
        return F.relu(self.layer(hidden))


def refuse_rows(input: InputSpec, model: str) -> None:
    """Raises: ConfigError for what is not (channels, height, width)"""
    if not input.has_planes:
        shape = "x".join(map(str, input.shape))
        raise ConfigError(f"--model {model} reads pixels, and observations here are {shape} numbers; take policy-mlp")
