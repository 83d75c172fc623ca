"""A Gaussian mixture beside a flow: fitted to the rows before training, and weighed by what neither has seen.

A flow bends one density into another and is slow to learn what a mixture has at once, separate groups and narrow ones; a mixture
cannot bend. Their average, with the share under which validation rows are likeliest, is no worse than the better of both but for
the logarithm of that share, and mostly better.
Source: Smyth and Wolpert 1999, Linearly combining density estimators via stacking, Machine Learning 36
"""

import math

import torch
from torch import Tensor, nn

from sonde.nn.mixture_fit import fitted

BEFORE = 0.5  # the share before any validation
ROUNDS = 200
LEAST = 1e-6  # of a share
LITTLE = 0.1  # of a row that the flow has in any case, so that it is never impossible
SPOKEN_FOR = 5.0  # rows that the mixture has: its choice was made by many more than a small table has for validation

# N rows, D numbers, K Gaussians


class Beside(nn.Module):
    """The mixture. Its buffers are no weights: nothing trains them."""

    log_weights: Tensor
    means: Tensor
    whitening: Tensor

    def __init__(self, gaussians: int, numbers: int) -> None:
        """gaussians: at most"""
        super().__init__()
        self.register_buffer("log_weights", torch.full((gaussians,), -math.log(gaussians)))
        self.register_buffer("means", torch.zeros(gaussians, numbers))
        self.register_buffer("whitening", torch.eye(numbers).repeat(gaussians, 1, 1))

    def fit(self, rows: Tensor) -> None:
        """To rows (N, D)."""
        found = fitted(rows.detach().cpu().double(), len(self.log_weights))
        number = len(found.weights)
        self.log_weights.fill_(math.log(LEAST**2))
        self.log_weights[:number] = found.weights.clamp(min=LEAST**2).log().to(self.log_weights)
        self.means[:number] = found.means.to(self.means)
        self.whitening[:number] = found.whitening.to(self.whitening)

    def forward(self, rows: Tensor) -> Tensor:
        """(B, D) -> (B,) log-density."""
        normal = torch.einsum("kij,bkj->bki", self.whitening, rows[:, None] - self.means)
        scale = self.whitening.diagonal(dim1=1, dim2=2).log().sum(1)
        each = scale - 0.5 * (normal.square() + math.log(2 * math.pi)).sum(2)
        return (each + self.log_weights.log_softmax(0)).logsumexp(1)

    def draw(self, normal: Tensor, share: Tensor) -> Tensor:
        """Standard normal numbers (B, D), and a number of 0..1 each (B,) that chooses the Gaussian -> (B, D)."""
        edges = self.log_weights.softmax(0).cumsum(0)
        chosen = torch.searchsorted(edges[:-1].contiguous(), share)
        apart = torch.linalg.solve_triangular(self.whitening[chosen], normal[..., None], upper=False)[..., 0]
        return apart + self.means[chosen]


def mixed(first: Tensor, second: Tensor, share: float) -> Tensor:
    """Log-densities (B,) of both -> that of their average, in which the second has this share."""
    return torch.logaddexp(first + math.log1p(-share), second + math.log(share))


def best_share(first: Tensor, second: Tensor) -> float:
    """Of the second, under which rows with log-densities (N,) of both are likeliest; of few rows a little more."""
    share = BEFORE
    for _ in range(ROUNDS):
        mine = (second - first + math.log(share) - math.log1p(-share)).sigmoid()
        share = (float(mine.sum()) + SPOKEN_FOR) / (len(first) + SPOKEN_FOR + LITTLE)
    return share
