"""Points in space from the distances between them, and how far two traces lie apart once one is laid on the other."""

import torch
from torch import Tensor

# R residues


def embedded(distances: Tensor) -> Tensor:
    """(R, R) distances -> (R, 3) points whose distances are as near to them as three axes allow, about their mean.

    The points are known up to a rotation and a reflection, which leave distances unchanged.
    Source: classical scaling, Torgerson 1952, Psychometrika 17
    """
    squares = distances.double().square()
    centred = squares - squares.mean(0) - squares.mean(1, keepdim=True) + squares.mean()
    values, vectors = torch.linalg.eigh(-centred / 2)
    return vectors[:, -3:] * values[-3:].clamp(min=0).sqrt()


def superposed(moving: Tensor, fixed: Tensor) -> tuple[Tensor, float]:
    """`moving` (R, 3) rotated and translated so that it lies on `fixed` (R, 3) as well as it can, and the RMS distance left.

    Source: Kabsch 1976, Acta Crystallographica A32
    """
    moving, fixed = moving.double(), fixed.double()
    one, other = moving - moving.mean(0), fixed - fixed.mean(0)
    left, _, right = torch.linalg.svd(one.T @ other)
    turned_over = torch.sign(torch.linalg.det(left @ right))
    right = torch.cat([right[:2], right[2:] * turned_over])  # else the best would be a reflection
    placed = one @ left @ right + fixed.mean(0)
    return placed, float((placed - fixed).square().sum(1).mean().sqrt())


def superposed_up_to_reflection(distances: Tensor, fixed: Tensor) -> tuple[Tensor, float]:
    """The trace that distances (R, R) give, or its mirror image, whichever lies nearer to `fixed` (R, 3); and how near."""
    points = embedded(distances)
    both = [superposed(points * mirror, fixed) for mirror in (1, -1)]
    return min(both, key=lambda found: found[1])


def local_agreement(found: Tensor, true: Tensor, *, within: float = 15.0) -> float:
    """lDDT of distances (R, R): the mean over residues of the share of their distances that is kept.

    Counted are pairs nearer than `within` ångström in truth; of each the share of the limits 0.5, 1, 2 and 4 ångström that its
    error stays below. Residues without such a pair do not count.
    Source: Mariani et al. 2013, Bioinformatics 29; of alpha carbons alone, and of distances instead of coordinates
    """
    counted = (true < within) & ~torch.eye(len(true), dtype=torch.bool, device=true.device)
    error = (found - true).abs()
    preserved = torch.stack([error < limit for limit in (0.5, 1.0, 2.0, 4.0)]).double().mean(0) * counted
    pairs = counted.sum(1)
    return float((preserved.sum(1)[pairs > 0] / pairs[pairs > 0]).mean())


def contact_precision(chances: Tensor, true: Tensor, *, contact: float, apart: int = 24, among: float = 5) -> float:
    """Share of the R / `among` likeliest pairs (R, R) that touch, of those `apart` or more residues apart; NaN without any.

    Source: the long-range precision of CASP (Monastyrskyy et al. 2016, Proteins 84)
    """
    first, second = torch.triu_indices(len(true), len(true), offset=apart, device=true.device)
    if not len(first):
        return float("nan")
    count = max(1, round(len(true) / among))
    best = chances[first, second].argsort(descending=True, stable=True)[:count]
    return float((true[first[best], second[best]] < contact).double().mean())
