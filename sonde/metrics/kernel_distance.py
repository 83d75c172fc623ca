"""Kernel distance: the unbiased squared maximum mean discrepancy of two sets of feature vectors, under a polynomial kernel."""

from typing import NamedTuple

import torch
from torch import Tensor

from sonde.metrics.nearest import parts_of

SUBSETS = 10
FEWEST = 2  # rows of a subset

# N rows, D features


class KernelDistance(NamedTuple):
    """value: its mean is 0 for sets of one distribution, so that it may be below 0;  error: standard error of it"""

    value: float
    error: float


def kernel_distance(first: Tensor, second: Tensor, *, subsets: int = SUBSETS) -> KernelDistance:
    """Of (N, D) and (M, D) features, whatever N and M are; lower is more alike.

    The value is of all rows, the error that of the mean over disjoint subsets, from their spread: rows are cut in `subsets`
    parts as they stand, so their order must be random.
    Raises: ValueError for fewer than two rows a subset
    Source: Bińkowski et al. 2018, arXiv:1801.01401: k(x, y) = (x·y / D + 1)^3
    """
    smaller = min(len(first), len(second))
    if smaller < FEWEST * subsets:
        raise ValueError(f"{smaller} rows are fewer than {FEWEST} for each of {subsets} subsets")
    first, second = first.double(), second.double()
    parts = [
        discrepancy(mine, other)
        for mine, other in zip(first.tensor_split(subsets), second.tensor_split(subsets), strict=True)
    ]
    spread = torch.tensor(parts, dtype=torch.float64).std()
    return KernelDistance(discrepancy(first, second), float(spread) / subsets**0.5)


def discrepancy(first: Tensor, second: Tensor) -> float:
    """The unbiased estimate: means of the kernel over all pairs of different rows."""
    n, m = len(first), len(second)
    within = (_total(first, first) - _own(first)) / (n * (n - 1))
    other = (_total(second, second) - _own(second)) / (m * (m - 1))
    return float(within + other - 2 * _total(first, second) / (n * m))


def _total(first: Tensor, second: Tensor) -> Tensor:
    """The sum of the kernel over all pairs."""
    sums = [_kernel(first[part] @ second.T, first.shape[1]).sum() for part in parts_of(len(first), len(second))]
    return torch.stack(sums).sum()


def _own(rows: Tensor) -> Tensor:
    """The sum over pairs of a row with itself."""
    return _kernel(rows.square().sum(1), rows.shape[1]).sum()


def _kernel(products: Tensor, features: int) -> Tensor:
    return (products / features + 1) ** 3
