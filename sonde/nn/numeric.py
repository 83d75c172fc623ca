"""Columns of an encoded table as vectors: numbers through bins or waves, categories through one-hot codes or embeddings."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sonde.core.dataset import Column, InputSpec

# B batch, F number columns, T bins of a column, D width of one column's embedding

ONE_HOT_LIMIT = 16  # categories; wider columns get a learned embedding, whose width does not grow with their number


class CategoryInput(nn.Module):
    """Category codes -> one flat vector (B, out_dim): one-hot where there are few, a learned embedding where many.

    Code 0 (missing, never seen in training) is the zero vector in both until training rows teach the embedding otherwise.
    Width of an embedding: 1.6 n^0.56, at most 64 (the rule of fastai's tabular learner, Howard and Gugger 2020).
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        one_hot = [
            (index, code)
            for index, column in enumerate(columns)
            if column.kind == "category" and len(column.categories) <= ONE_HOT_LIMIT
            for code in range(1, len(column.categories) + 1)
        ]
        wide = [
            (i, len(c.categories))
            for i, c in enumerate(columns)
            if c.kind == "category" and len(c.categories) > ONE_HOT_LIMIT
        ]
        self.register_buffer("hot_column", torch.tensor([i for i, _ in one_hot], dtype=torch.long), persistent=False)
        self.register_buffer("hot_code", torch.tensor([float(code) for _, code in one_hot]), persistent=False)
        self.hot_column: Tensor
        self.hot_code: Tensor
        self.wide_columns = [index for index, _ in wide]
        self.embeddings = nn.ModuleList(_category_embedding(n) for _, n in wide)
        self.out_dim = len(one_hot) + sum(embedding_width(n) for _, n in wide)

    def forward(self, input: Tensor) -> Tensor:
        """(B, features) with codes as floats -> (B, out_dim)."""
        parts = [(input.index_select(1, self.hot_column) == self.hot_code).to(input.dtype)]
        parts += [e(input[:, i].long()) for i, e in zip(self.wide_columns, self.embeddings, strict=True)]
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)


class TableInput(nn.Module):
    """A row of an encoded table (B, features) -> one flat vector (B, out_dim) for models that know nothing of columns.

    Numbers pass as they are, before the categories. An input without column descriptions passes whole.
    """

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        numbers = [index for index, column in enumerate(spec.columns) if column.kind == "number"]
        self.passes = not spec.columns or len(numbers) == len(spec.columns)
        self.register_buffer("numbers", torch.tensor(numbers, dtype=torch.long), persistent=False)
        self.numbers: Tensor
        self.categories = CategoryInput(spec.columns)
        self.out_dim = spec.shape[0] if self.passes else len(numbers) + self.categories.out_dim

    def forward(self, input: Tensor) -> Tensor:
        """(B, features) -> (B, out_dim)."""
        if self.passes:
            return input
        return torch.cat([input.index_select(1, self.numbers), self.categories(input)], dim=1)


class PiecewiseLinearEmbedding(nn.Module):
    """Each number column -> `dim` values: its place among its training quantiles, then one linear map per column.

    The bins between the edges b_0 < … < b_T of a column encode x as T values (x - b_t) / (b_t+1 - b_t), cut to 0..1 except
    below the first and above the last edge. A linear term beside the bins lets the map start as a plain linear one, since
    the map of the bins starts at zero.
    Source: Gorishniy et al. 2022, arXiv:2203.05556, section 3.2; the linear term and zero start as in TabM (arXiv:2410.24210)
    """

    def __init__(self, edges: Sequence[Sequence[float]], dim: int) -> None:
        super().__init__()
        scale, shift, low, high = _bins(edges)
        for name, value in (("scale", scale), ("shift", shift), ("low", low), ("high", high)):
            self.register_buffer(name, value, persistent=False)
        self.scale: Tensor
        self.shift: Tensor
        self.low: Tensor
        self.high: Tensor
        num_columns, num_bins = scale.shape
        bound = 1.0  # each column is one input: 1 / sqrt(fan_in)
        self.linear = nn.Parameter(torch.empty(num_columns, dim).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(num_columns, dim).uniform_(-bound, bound))
        self.weight = nn.Parameter(torch.zeros(num_columns, num_bins, dim))
        self.out_dim = num_columns * dim

    def encode(self, input: Tensor) -> Tensor:
        """(B, F) -> (B, F, T), the paper's encoding; columns with fewer bins end in zeros."""
        place = input.unsqueeze(-1) * self.scale + self.shift
        return torch.maximum(torch.minimum(place, self.high), self.low)

    def forward(self, input: Tensor) -> Tensor:
        """(B, F) standardised numbers -> (B, F * D)."""
        binned = torch.bmm(self.encode(input).transpose(0, 1), self.weight)  # (F, B, D)
        return (binned.transpose(0, 1) + input.unsqueeze(-1) * self.linear + self.bias).flatten(1)


class PeriodicEmbedding(nn.Module):
    """Each number column -> `dim` values: sines and cosines of learned frequencies, a linear map, ReLU.

    sigma: spread of the initial frequencies; the paper tunes it between 0.01 and 100, and 0.1 suits most of its data sets
    Source: Gorishniy et al. 2022, arXiv:2203.05556, section 3.3 ("PLR")
    """

    def __init__(self, num_columns: int, dim: int, *, num_frequencies: int = 24, sigma: float = 0.1) -> None:
        super().__init__()
        self.frequencies = nn.Parameter(torch.empty(num_columns, num_frequencies))
        nn.init.trunc_normal_(self.frequencies, std=sigma, a=-3 * sigma, b=3 * sigma)
        bound = 1 / math.sqrt(2 * num_frequencies)
        self.weight = nn.Parameter(torch.empty(num_columns, 2 * num_frequencies, dim).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(num_columns, dim).uniform_(-bound, bound))
        self.out_dim = num_columns * dim

    def forward(self, input: Tensor) -> Tensor:
        """(B, F) standardised numbers -> (B, F * D)."""
        angle = 2 * math.pi * input.unsqueeze(-1) * self.frequencies
        waves = torch.cat([angle.cos(), angle.sin()], dim=-1)  # (B, F, 2 * frequencies)
        mixed = torch.bmm(waves.transpose(0, 1), self.weight).transpose(0, 1)  # (B, F, D)
        return torch.relu(mixed + self.bias).flatten(1)


def embedding_width(num_categories: int) -> int:
    """Width of a category column's embedding.

    >>> embedding_width(17), embedding_width(1000), embedding_width(10**6)
    (8, 64, 64)
    """
    return min(64, round(1.6 * num_categories**0.56))


def _category_embedding(num_categories: int) -> nn.Embedding:
    """Vectors of length near 1 for the codes 1.., zero for code 0."""
    width = embedding_width(num_categories)
    embedding = nn.Embedding(num_categories + 1, width)
    with torch.no_grad():
        embedding.weight.normal_(std=1 / math.sqrt(width))
        embedding.weight[0] = 0.0
    return embedding


def _bins(edges: Sequence[Sequence[float]]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Scale, shift, low and high (F, T): a column's bin t holds (x - b_t) / (b_t+1 - b_t) cut to low..high.

    Bins a column lacks have scale, low and high 0, so they are always 0.
    """
    num_bins = max(max(1, len(column) - 1) for column in edges)
    scale, shift, low, high = (torch.zeros(len(edges), num_bins) for _ in range(4))
    for row, column in enumerate(edges):
        bounds = torch.tensor(column, dtype=torch.float64)
        width = bounds.diff()
        if len(width) == 0:
            continue  # one distinct value: the linear term says all there is
        count = len(width)
        scale[row, :count] = (1 / width).float()
        shift[row, :count] = (-bounds[:-1] / width).float()
        high[row, :count] = 1.0
        low[row, 0] = -math.inf
        high[row, count - 1] = math.inf
    return scale, shift, low, high
