"""The perceptron: one linear threshold unit per output, from zero weights."""

from dataclasses import dataclass
from math import prod

from torch import Tensor, nn

from sonde.core.dataset import InputSpec


@dataclass(frozen=True, kw_only=True)
class PerceptronConfig:
    """The perceptron has no settings."""


class Perceptron(nn.Module):
    """Score w·x + b of each output; the prediction y is its sign. Weights and biases start at zero, as in the published rule.

    Trained by w <- w + t x and b <- b + t for each row whose target t in {-1, 1} has t (w·x + b) <= 0, which is plain
    gradient descent at rate 1, row by row, on the perceptron loss max(0, -t (w·x + b)).
    Source: Rosenblatt 1958, The perceptron, Psychological Review 65(6)
    """

    def __init__(self, input: InputSpec, out_dim: int, config: PerceptronConfig) -> None:
        super().__init__()
        self.linear = nn.Linear(prod(input.shape), out_dim)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, input: Tensor) -> Tensor:
        """(B, …) -> scores (B, out_dim)."""
        return self.linear(input.flatten(1))
