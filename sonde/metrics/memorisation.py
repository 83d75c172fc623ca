"""Whether samples are copies of training rows: their nearest training rows beside those of rows that nobody trained on."""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from sonde.metrics.nearest import Nearest, nearest

COPIED = 1 / 3
"""Of the distance to the second nearest row: a sample nearer than that to its nearest is taken for a copy of it.
Source: Yoon et al. 2023, "Diffusion probabilistic models generalize when they fail to memorize", section 3"""

# M samples, H held-out rows, N training rows, D numbers of a row


class Memorisation(NamedTuple):
    """What is known of copying.

    samples, held_out: the two nearest training rows of each
    p_distance: probability of distances as small as the samples' if they were drawn like held-out rows (one-sided Mann-Whitney)
    p_ratio:    the same of distances to the nearest row in those to the second nearest: small where single rows are copied
    copied, copied_held_out: shares of rows whose ratio is below `COPIED`
    one_row:    of such samples, the share whose nearest training row is one and the same; 0 of fewer than two. Near 1 that row is
                an outlier, beside samples that are far from all others: what is copied is copied of many
    """

    samples: Nearest
    held_out: Nearest
    p_distance: float
    p_ratio: float
    copied: float
    copied_held_out: float
    one_row: float = 0.0


def memorisation(samples: Tensor, held_out: Tensor, train: Tensor) -> Memorisation:
    """Of (M, D), (H, D) and (N, D) rows.

    Samples that are smoother or more typical than real rows lie closer to the training rows too, but to several alike: only
    where the ratio is small as well are rows copied.
    Raises: ValueError for fewer than two training rows
    Source: Meehan et al. 2020, arXiv:2004.05675 (the test on distances)
    """
    made, real = nearest(samples, train, 2), nearest(held_out, train, 2)
    ratio, real_ratio = ratios(made), ratios(real)
    rows = made.row[ratio < COPIED, 0]
    return Memorisation(
        samples=made,
        held_out=real,
        p_distance=mann_whitney(made.distance[:, 0], real.distance[:, 0]),
        p_ratio=mann_whitney(ratio, real_ratio),
        copied=float((ratio < COPIED).double().mean()),
        copied_held_out=float((real_ratio < COPIED).double().mean()),
        one_row=float(rows.bincount().max()) / len(rows) if len(rows) > 1 else 0.0,
    )


def ratios(found: Nearest) -> Tensor:
    """(Q,) distance to the nearest row in that to the second nearest; 1 between two rows that are both equal to the query."""
    first, second = found.distance[:, 0], found.distance[:, 1]
    return torch.where(second > 0, first / second, 0.0)


def mann_whitney(first: Tensor, second: Tensor) -> float:
    """p of the one-sided test that values of `first` (N,) tend to be below those of `second` (M,).

    By the normal limit, with the correction for ties and for continuity; from about 20 rows each it is right to two digits. 1/2
    where nothing differs.
    Source: Mann and Whitney 1947, Annals of Mathematical Statistics 18
    """
    n, m = len(first), len(second)
    both = torch.cat([first, second]).double()
    _, place, counts = both.unique(return_inverse=True, return_counts=True)
    ends = counts.cumsum(0).double()
    ranks = (ends - (counts - 1) / 2)[place]  # 1-based, of equal values their mean
    u = float(ranks[:n].sum()) - n * (n + 1) / 2  # pairs in which the first is above
    total = n + m
    ties = float((counts.double() ** 3 - counts).sum()) / (total * (total - 1))
    variance = n * m / 12 * (total + 1 - ties)
    if variance <= 0:
        return 0.5
    return 0.5 * math.erfc(-(u - n * m / 2 + 0.5) / math.sqrt(2 * variance))
