"""Fréchet distance: how far two sets of feature vectors are apart, each taken for a normal distribution."""

import torch
from torch import Tensor

SUBSETS = 10

# N rows, D features


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """Squared distance of the normal distributions of (N, D) and (M, D) features; 0 for equal ones, lower is more alike.

    It is biased upward, by about the same amount for all sets of the same numbers of rows: compare at equal N only.
    Raises: ValueError for sets of no more rows than features, whose covariance has no full rank: what it estimates is then mostly
            the number of rows
    Source: Heusel et al. 2017, arXiv:1706.08500; the bias, Chong and Forsyth 2020, arXiv:1911.07023
    """
    for rows in (first, second):
        if len(rows) <= rows.shape[1]:
            raise ValueError(f"{len(rows)} rows of {rows.shape[1]} features have no covariance of full rank")
    return between_normals(*moments(first), *moments(second))


def frechet_error(first: Tensor, second: Tensor, *, subsets: int = SUBSETS) -> float:
    """Standard error of the distance, by a jackknife: its spread when each of the subsets in turn is left out of both.

    Rows are cut in subsets as they stand, so their order must be random.
    Source: Efron and Stein 1981, Annals of Statistics 9
    """
    cut, other = (rows.double().tensor_split(subsets) for rows in (first, second))
    left = torch.tensor(
        [
            between_normals(
                *(each for rows in (cut, other) for each in moments(torch.cat([*rows[:one], *rows[one + 1 :]])))
            )
            for one in range(subsets)
        ]
    )
    return float(((subsets - 1) / subsets * (left - left.mean()).square().sum()).sqrt())


def moments(rows: Tensor) -> tuple[Tensor, Tensor]:
    """(N, D) -> mean (D,) and covariance (D, D) in float64, the latter unbiased."""
    rows = rows.double()
    mean = rows.mean(0)
    centred = rows - mean
    return mean, centred.T @ centred / (len(rows) - 1)


def between_normals(mean: Tensor, covariance: Tensor, other_mean: Tensor, other_covariance: Tensor) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), float64.

    With C = A A^T the trace of the root is the sum of the singular values of A1^T A2: real and never negative, also where a
    covariance is singular, which the root of the product C1 C2 itself is not in floating point.
    """
    apart = (mean - other_mean).double().square().sum()
    overlap = torch.linalg.svdvals(_root(covariance).T @ _root(other_covariance)).sum()
    traces = covariance.double().trace() + other_covariance.double().trace()
    return max(0.0, float(apart + traces - 2 * overlap))


def _root(covariance: Tensor) -> Tensor:
    """A (D, D) with A A^T = covariance; eigenvalues that rounding made negative count as 0."""
    values, vectors = torch.linalg.eigh(covariance.double())
    return vectors * values.clamp(min=0).sqrt()
