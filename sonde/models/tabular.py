"""The family for tables: embedded columns, then an MLP whose weights an ensemble of members shares.

A deep ensemble of MLPs is strong on tables but costs its number of members in weights and in training; here the members
share every weight matrix and differ by vectors that scale a layer's input and output, and each has its own head.
Source: TabM, Gorishniy et al. 2024, arXiv:2410.24210; sharing by scaling is BatchEnsemble, Wen et al. 2020, arXiv:2002.06715
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from sonde.core.dataset import InputSpec
from sonde.core.errors import ConfigError
from sonde.models.ranges import check_counts, check_shares
from sonde.nn.dropout import Dropout
from sonde.nn.numeric import CategoryInput, PeriodicEmbedding, PiecewiseLinearEmbedding

# B batch, K members, I and O width of a layer's input and output

NumberEmbedding = Literal["piecewise", "periodic", "none"]


@dataclass(frozen=True, kw_only=True)
class TabularConfig:
    """Settings of the tabular family."""

    members: int = 8
    """Members of the ensemble; they share weight matrices, and their predictions are averaged."""
    width: int = 128
    """Units of each hidden layer."""
    layers: int = 3
    """Hidden layers."""
    dropout: float = 0.1
    """Dropout after each hidden layer."""
    number_embedding: NumberEmbedding = "piecewise"
    """Embedding of numerical columns: piecewise linear (training quantiles), periodic (learned frequencies), or none."""
    embedding: int = 12
    """Embedding width of each numerical column."""

    def __post_init__(self) -> None:
        check_counts(self, "members", "width", "layers", "embedding")
        check_shares(self, "dropout")


class MemberLinear(nn.Module):
    """y_k = s_k * W (r_k * x_k) + b_k: one matrix for all members, scaled by each member's own vectors (B, K, I) -> (B, K, O).

    spread: standard deviation of the initial r around 0; None starts r at 1, so that only the first layer, which needs
            to tell the members apart, scrambles its input
    chunks: widths of the input's parts that belong to one column; the parts of a column start with one common scale
    """

    FACTORS = ("input_scale", "output_scale")
    """Parameters that multiply one number each, as the doctor asks when it compares weights with their inputs."""

    def __init__(
        self, in_dim: int, out_dim: int, members: int, *, spread: float | None = None, chunks: list[int] | None = None
    ) -> None:
        super().__init__()
        bound = 1 / math.sqrt(in_dim)
        self.weight = nn.Parameter(torch.empty(out_dim, in_dim).uniform_(-bound, bound))
        self.input_scale = nn.Parameter(torch.ones(members, in_dim))
        self.output_scale = nn.Parameter(torch.ones(members, out_dim))
        self.bias = nn.Parameter(torch.empty(out_dim).uniform_(-bound, bound).expand(members, out_dim).clone())
        if spread is not None:
            widths = torch.tensor(chunks or [1] * in_dim)
            scales = torch.randn(members, len(widths)) * spread
            self.input_scale = nn.Parameter(scales.repeat_interleave(widths, dim=1, output_size=in_dim))

    def forward(self, input: Tensor) -> Tensor:
        """(B, K, I) or (B, 1, I) -> (B, K, O)."""
        return torch.addcmul(self.bias, (input * self.input_scale) @ self.weight.T, self.output_scale)


class MemberHead(nn.Module):
    """A linear head per member (B, K, I) -> (B, K, O), no weight shared."""

    def __init__(self, in_dim: int, out_dim: int, members: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(in_dim)
        self.weight = nn.Parameter(torch.empty(members, in_dim, out_dim).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, out_dim).uniform_(-bound, bound))

    def forward(self, input: Tensor) -> Tensor:
        """(B, K, I) -> (B, K, O)."""
        return torch.bmm(input.transpose(0, 1), self.weight).transpose(0, 1) + self.bias


class Tabular(nn.Module):
    """Column embeddings, hidden layers shared by K members, K heads: (B, features) -> (B, K, out_dim).

    The members' outputs are never averaged here: a loss takes its mean over members, which trains each by itself, and a
    prediction averages probabilities (classes) or values (regression).
    """

    def __init__(self, input: InputSpec, out_dim: int, config: TabularConfig) -> None:
        super().__init__()
        if len(input.shape) != 1:
            raise ConfigError(
                "--model tabular reads rows of columns, and these data are sequences; use tcn, lstm, gru or "
                "text-transformer, or mlp for all steps at once"
            )
        numbers = [i for i, column in enumerate(input.columns) if column.kind == "number"]
        numbers = numbers if input.columns else list(range(input.shape[0]))
        self.register_buffer("numbers", torch.tensor(numbers, dtype=torch.long), persistent=False)
        self.numbers: Tensor
        self.embedding = _number_embedding(input, numbers, config)
        self.categories = CategoryInput(input.columns)
        per_number = 1 if self.embedding is None else config.embedding
        chunks = [per_number] * len(numbers) + [1] * self.categories.out_dim
        dims = [sum(chunks)] + [config.width] * config.layers
        self.layers = nn.ModuleList(
            MemberLinear(a, b, config.members, spread=None if i else 1.0, chunks=None if i else chunks)
            for i, (a, b) in enumerate(zip(dims, dims[1:], strict=False))
        )
        self.dropout = Dropout(config.dropout)
        self.head = MemberHead(dims[-1], out_dim, config.members)

    def forward(self, input: Tensor) -> Tensor:
        """(B, features), categories as codes -> (B, K, out_dim)."""
        parts = []
        if len(self.numbers):
            numbers = input.index_select(1, self.numbers)
            parts.append(numbers if self.embedding is None else self.embedding(numbers))
        if self.categories.out_dim:
            parts.append(self.categories(input))
        hidden = torch.cat(parts, dim=1).unsqueeze(1)  # (B, 1, I)
        for layer in self.layers:
            hidden = self.dropout(torch.relu(layer(hidden)))  # (B, K, width)
        return self.head(hidden)


def _number_embedding(input: InputSpec, numbers: list[int], config: TabularConfig) -> nn.Module | None:
    """The embedding of the number columns; None where they pass as they are."""
    if not numbers or config.number_embedding == "none":
        return None
    if config.number_embedding == "periodic":
        return PeriodicEmbedding(len(numbers), config.embedding)
    edges = [input.columns[i].quantiles if input.columns else () for i in numbers]
    return PiecewiseLinearEmbedding(edges, config.embedding)
