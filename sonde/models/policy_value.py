"""What a position of a game is worth and which moves are good: networks for search."""

from dataclasses import dataclass
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts

ENDS = 3  # logits of a win, a draw and a loss of the side to move, behind those of moves
POLICY_PLANES, VALUE_PLANES, VALUE_UNITS = 8, 4, 64  # of the heads


@dataclass(frozen=True, kw_only=True)
class PolicyValueResNetConfig:
    """Settings of the residual network for boards."""

    width: int = 64
    """Planes of each layer."""
    layers: int = 5
    """Residual blocks, of two convolutions each."""

    def __post_init__(self) -> None:
        check_counts(self, "width", "layers")


class _Block(nn.Module):
    """Two 3x3 convolutions with batch normalisation around which the input goes: (B, width, H, W) -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)

    def forward(self, input: Tensor) -> Tensor:
        """(B, width, H, W) -> the same."""
        hidden = F.relu(self.bn1(self.conv1(input)))
        return F.relu(self.bn2(self.conv2(hidden)) + input)


class PolicyValueResNet(nn.Module):
    """(B, planes, H, W) -> (B, out_dim + 3): logits of moves, then of a win, a draw and a loss of the side to move.

    Source: Silver et al. 2017, Mastering the game of Go without human knowledge, Methods; heads of more planes, for small boards
    """

    def __init__(self, input: InputSpec, out_dim: int, config: PolicyValueResNetConfig) -> None:
        """Raises: ConfigError for inputs that are no boards"""
        super().__init__()
        if len(input.shape) != 3:
            raise ConfigError(
                f"--model policy-value-resnet sees boards, planes by height and width, and these are {input.shape}; take "
                "policy-value-mlp"
            )
        planes, *board = input.shape
        fields, width = prod(board), config.width
        self.stem, self.bn = nn.Conv2d(planes, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        self.blocks = nn.Sequential(*(_Block(width) for _ in range(config.layers)))
        self.policy_conv, self.policy_bn = nn.Conv2d(width, POLICY_PLANES, 1, bias=False), nn.BatchNorm2d(POLICY_PLANES)
        self.policy = nn.Linear(POLICY_PLANES * fields, out_dim)
        self.value_conv, self.value_bn = nn.Conv2d(width, VALUE_PLANES, 1, bias=False), nn.BatchNorm2d(VALUE_PLANES)
        self.value_hidden, self.value = nn.Linear(VALUE_PLANES * fields, VALUE_UNITS), nn.Linear(VALUE_UNITS, ENDS)

    def forward(self, input: Tensor) -> Tensor:
        """(B, planes, H, W) -> (B, out_dim + 3)."""
        hidden = self.blocks(F.relu(self.bn(self.stem(input))))
        policy = self.policy(F.relu(self.policy_bn(self.policy_conv(hidden))).flatten(1))
        value = F.relu(self.value_hidden(F.relu(self.value_bn(self.value_conv(hidden))).flatten(1)))
        return torch.cat([policy, self.value(value)], 1)


@dataclass(frozen=True, kw_only=True)
class PolicyValueMLPConfig:
    """Settings of the perceptron for small games."""

    hidden: tuple[int, ...] = (128, 128)
    """Units of each hidden layer."""

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise ConfigError(f"--hidden takes at least one layer of at least 1 unit, got {self.hidden}")


class PolicyValueMLP(nn.Module):
    """(B, *shape) -> (B, out_dim + 3), as `PolicyValueResNet`, by layers that know nothing of a board."""

    def __init__(self, input: InputSpec, out_dim: int, config: PolicyValueMLPConfig) -> None:
        super().__init__()
        sizes = (prod(input.shape), *config.hidden)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False))
        self.head = nn.Linear(config.hidden[-1], out_dim + ENDS)

    def forward(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, out_dim + 3)."""
        hidden = input.flatten(1)
        for layer in self.layers:
            hidden = F.relu(layer(hidden))
        return self.head(hidden)
