"""Features of observations that are rows of numbers: a multilayer perceptron, on which a task puts heads."""

from dataclasses import dataclass
from math import prod

from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class PolicyMLPConfig:
    """Settings of the perceptron below a policy or a value."""

    hidden: tuple[int, ...] = (64, 64)
    """Units of each hidden layer."""

    def __post_init__(self) -> None:
        if not self.hidden or min(self.hidden) < 1:
            raise ConfigError(f"--hidden takes at least one layer of at least 1 unit, got {self.hidden}")


class PolicyMLP(nn.Module):
    """Observations to features, tanh after each layer, as in Schulman et al. 2017, arXiv:1707.06347, section 6.1."""

    def __init__(self, input: InputSpec, out_dim: int, config: PolicyMLPConfig) -> None:
        """out_dim: not used, as heads belong to the task"""
        super().__init__()
        sizes = (prod(input.shape), *config.hidden)
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False))
        self.features = config.hidden[-1]

    def forward(self, input: Tensor) -> Tensor:
        """(B, *shape) -> (B, features)."""
        hidden = input.flatten(1)
        for layer in self.layers:
            hidden = layer(hidden).tanh()
        return hidden
