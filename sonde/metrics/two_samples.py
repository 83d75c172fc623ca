"""How two sets of rows differ: a kernel distance, and which share of either lies among the other. n and m rows of d features."""

from dataclasses import dataclass

import torch
from torch import Tensor

BANDWIDTHS = (0.5, 1.0, 2.0)  # beside the middle distance between real rows: near and far differences both count
HALVINGS = 8
NEIGHBOUR = 3  # whose distance is a row's radius: k of arXiv:1904.06991
FLAT = 0.05  # of the largest spread: what no real row varies in counts no more than as if it varied by this


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Made rows beside real ones.

    distance:   unbiased squared kernel distance; 0 on average for rows of one source, and may be below
    floor:      its usual size between two halves of the real rows
    precision:  share of the made rows that lie among real ones;  recall: of the real rows that lie among made ones
    real_recall: recall of one half of the real rows beside the other
    spread:     mean distance between made rows over that between real rows, within their classes
    rows:       real rows;  made: made rows
    """

    distance: float
    floor: float
    precision: float
    recall: float
    real_recall: float
    spread: float
    rows: int
    made: int


def compare(
    real: Tensor, made: Tensor, real_label: Tensor | None = None, made_label: Tensor | None = None
) -> Comparison:
    """real: (n, d), made: (m, d), at least 4 each; labels (n,), (m,) of their classes, where they have some."""
    real, made = standardised(real.double(), made.double())
    among, across = torch.cdist(real, real), torch.cdist(real, made)
    among_made = torch.cdist(made, made)
    bandwidth = float(_off_diagonal(among).median().clamp_min(1e-12))
    kernels = [kernel(each, bandwidth) for each in (among, across, among_made)]
    floors, recalls = _halves(among, kernels[0])
    return Comparison(
        distance=unbiased(*kernels),
        floor=floors,
        precision=covered(across.T, radii(among)),
        recall=covered(across, radii(among_made)),
        real_recall=recalls,
        spread=_within(among_made, made_label) / max(_within(among, real_label), 1e-12),
        rows=len(real),
        made=len(made),
    )


def standardised(real: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
    """Each feature by the real rows' mean and spread, so that all count alike."""
    spread = real.std(0)
    spread = spread.clamp_min(max(FLAT * float(spread.max()), 1e-12))
    return (real - real.mean(0)) / spread, (made - real.mean(0)) / spread


def kernel(distances: Tensor, bandwidth: float) -> Tensor:
    """Mean of Gaussian kernels of several bandwidths."""
    squared = distances.square()
    return torch.stack([torch.exp(-squared / (2 * (share * bandwidth) ** 2)) for share in BANDWIDTHS]).mean(0)


def unbiased(first: Tensor, across: Tensor, second: Tensor) -> float:
    """The squared maximum mean discrepancy of kernel matrices (n, n), (n, m), (m, m).

    Source: Gretton et al. 2012, JMLR 13, lemma 6; as a measure of generators Bińkowski et al. 2018, arXiv:1801.01401
    """
    return float(_off_diagonal(first).mean() + _off_diagonal(second).mean() - 2 * across.mean())


def radii(among: Tensor) -> Tensor:
    """(n,) how far each row's third nearest neighbour is, of distances (n, n) between them."""
    return among.kthvalue(min(NEIGHBOUR + 1, len(among)), dim=1).values  # the nearest is the row itself


def covered(across: Tensor, reach: Tensor) -> float:
    """Share of n rows that lie within the reach (m,) of at least one of m others; distances (n, m) between them.

    Source: Kynkäänniemi et al. 2019, arXiv:1904.06991, equation 2
    """
    return float((across <= reach).any(1).double().mean())


def _halves(among: Tensor, kernels: Tensor) -> tuple[float, float]:
    """(root mean square kernel distance, mean recall) between two halves of the rows, over several ways to halve them."""
    drawn = torch.Generator().manual_seed(0)
    distances, recalls, half = [], [], len(among) // 2
    for _ in range(HALVINGS):
        order = torch.randperm(len(among), generator=drawn).to(among.device)
        one, other = order[:half], order[half : 2 * half]
        distances.append(unbiased(kernels[one][:, one], kernels[one][:, other], kernels[other][:, other]))
        recalls.append(covered(among[one][:, other], radii(among[other][:, other])))
    return float(torch.tensor(distances).square().mean().sqrt()), float(torch.tensor(recalls).mean())


def _within(among: Tensor, label: Tensor | None) -> float:
    """Mean distance between rows of one class; of all where there are no classes."""
    if label is not None:
        same = (label[:, None] == label[None, :]).fill_diagonal_(False)
        if bool(same.any()):
            return float(among[same].mean())
    return float(_off_diagonal(among).mean())


def _off_diagonal(square: Tensor) -> Tensor:
    """(n * (n - 1),) of an (n, n)."""
    rows = len(square)
    return square.flatten()[1:].view(rows - 1, rows + 1)[:, :-1].flatten()
