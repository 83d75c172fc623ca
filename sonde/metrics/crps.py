"""The continuous ranked probability score: how far a forecast distribution lies from what came, in the units of that.

All give E|X - y| - E|X - X'| / 2 (Gneiting and Raftery 2007, Strictly proper scoring rules, JASA 102(477), equation 21), which of
a single value is the absolute error.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

SMALLEST = 1e-12  # a normal distribution without width is a value
ENOUGH = 9
"""Quantiles, of fewer of which no CRPS is told: of a normal forecast that is right 3 give 6 % too little, 9 give 3 % too much,
19 give 1 % too much."""

# M sample paths, Q quantiles


def ensemble_crps(paths: Tensor, target: Tensor) -> Tensor:
    """Of M ≥ 2 draws, without bias however few they are (the fair CRPS): paths (…, M), target (…) -> (…).

    Source: Ferro 2014, Fair scores for ensemble forecasts, Q. J. R. Meteorol. Soc. 140(683), equation 7; the sum over pairs by
    order, as in Jordan, Krüger and Lerch 2019, J. Stat. Softw. 90(12)
    """
    members = paths.shape[-1]
    ordered = paths.sort(-1).values
    weight = 2 * torch.arange(1, members + 1, dtype=paths.dtype, device=paths.device) - members - 1
    apart = (ordered * weight).sum(-1) / (members * (members - 1))  # E|X - X'| / 2
    return (paths - target[..., None]).abs().mean(-1) - apart


def normal_crps(mean: Tensor, std: Tensor, target: Tensor) -> Tensor:
    """Of a normal distribution, in closed form: all (…), std ≥ 0. Source: Gneiting and Raftery 2007, below equation 21"""
    std = std.clamp(min=SMALLEST)
    away = (target - mean) / std
    density = torch.exp(-away.square() / 2) / math.sqrt(2 * math.pi)
    return std * (away * torch.erf(away / math.sqrt(2)) + 2 * density - 1 / math.sqrt(math.pi))


def quantile_crps(quantiles: Tensor, target: Tensor, levels: Sequence[float]) -> Tensor:
    """Twice the mean of the pinball losses, each level counting for the probabilities that lie nearest to it.

    For evenly spaced levels (k - 1/2) / Q that is their plain mean; below `ENOUGH` levels it is coarse.
    quantiles: (…, Q);  target: (…);  levels: rising, in (0, 1)
    Source: Gneiting and Ranjan 2011, Journal of Business & Economic Statistics 29(3), equation 11
    """
    level = torch.tensor(levels, dtype=quantiles.dtype, device=quantiles.device)
    between = (level[1:] + level[:-1]) / 2
    share = torch.cat([between, level.new_ones(1)]) - torch.cat([level.new_zeros(1), between])
    above = target[..., None] - quantiles
    return 2 * (torch.maximum(level * above, (level - 1) * above) * share).sum(-1)


def ensemble_quantiles(paths: Tensor, levels: Sequence[float]) -> Tensor:
    """(…, M) -> (…, Q): places p (M + 1) among the ordered draws, so that a new draw lies below with probability p.

    Beyond the first and the last draw, which M + 1 draws are too few for, it is those.
    Source: Hyndman and Fan 1996, Sample quantiles in statistical packages, The American Statistician 50(4), definition 6
    """
    members = paths.shape[-1]
    ordered = paths.sort(-1).values
    place = (torch.tensor(levels, dtype=paths.dtype, device=paths.device) * (members + 1) - 1).clamp(0, members - 1)
    low = place.floor().long()
    high = (low + 1).clamp(max=members - 1)
    return torch.lerp(ordered[..., low], ordered[..., high], place - low)
