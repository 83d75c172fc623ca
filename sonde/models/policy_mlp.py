"""Features of observations that are rows of numbers: a multilayer perceptron, on which a task puts heads."""

from dataclasses import dataclass
from math import prod
from typing import Literal

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class PolicyMLPConfig:
    """Settings of the perceptron below a policy or a value."""

    hidden: tuple[int, ...] = (64, 64)
    """Units of each hidden layer."""
    activation: Literal["tanh", "relu"] = "tanh"
    """What follows each layer."""

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise ConfigError(f"--hidden takes at least one layer of at least 1 unit, got {self.hidden}")


class PolicyMLP(nn.Module):
    """Observations to features, as in Schulman et al. 2017, arXiv:1707.06347, section 6.1.

    features: how many;  beside: how many numbers are read beside an observation, such as those of an action
    """

    def __init__(self, input: InputSpec, out_dim: int, config: PolicyMLPConfig, *, beside: int = 0) -> None:
        """out_dim: not used, as heads belong to the task"""
        super().__init__()
        sizes = (prod(input.shape) + beside, *config.hidden)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False))
        self.features = config.hidden[-1]
        self._made_of = input, out_dim, config
        self._apply_to = torch.tanh if config.activation == "tanh" else torch.relu

    def reading(self, beside: int) -> "PolicyMLP":
        """Another, with weights of its own, that reads so many numbers beside an observation."""
        input, out_dim, config = self._made_of
        return PolicyMLP(input, out_dim, config, beside=beside)

    def forward(self, input: Tensor, beside: Tensor | None = None) -> Tensor:
        """(B, *shape), (B, beside) -> (B, features)."""
        hidden = input.flatten(1)
        if beside is not None:
            hidden = torch.cat([hidden, beside], 1)
        for layer in self.layers:
            hidden = self._apply_to(layer(hidden))
        return hidden
