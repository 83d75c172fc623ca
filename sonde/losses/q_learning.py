"""Losses of action values."""

import torch
from torch import Tensor


def huber(error: Tensor) -> Tensor:
    """The square half within 1, linear further out (Mnih et al. 2015 clip the error so); of every number."""
    size = error.abs()
    return torch.where(size <= 1, error.square() / 2, size - 0.5)


def quantile_huber(found: Tensor, target: Tensor) -> Tensor:
    """(B,) loss of quantiles: Dabney et al. 2018, arXiv:1710.10044, equation 10, summed over quantiles, a mean over targets.

    found:  (B, k) quantiles at (2 i + 1) / 2 k;  target: (B, m) draws of the return
    """
    shares = (torch.arange(found.shape[1], device=found.device) + 0.5) / found.shape[1]
    error = target[:, None, :] - found[:, :, None]
    weight = (shares[:, None] - (error.detach() < 0).to(found.dtype)).abs()
    return (weight * huber(error)).mean(2).sum(1)


def projected(shares: Tensor, places: Tensor, support: Tensor) -> Tensor:
    """(B, k) shares of returns that lie at `places`, dealt out to the two atoms of `support` around each.

    Source: Bellemare et al. 2017, arXiv:1707.06887, equation 7
    places: (B, k);  support: (k,) atoms, equally far apart: what lies beyond the ends counts for these
    """
    apart = (support[-1] - support[0]) / (len(support) - 1)
    inside = places.clamp(support[0], support[-1])
    near = (1 - (inside[:, None, :] - support[None, :, None]).abs() / apart).clamp(0, 1)
    return (near * shares[:, None, :]).sum(-1)


def divergence(logits: Tensor, target: Tensor) -> Tensor:
    """(B,) Kullback-Leibler divergence of (B, k) logits from (B, k) shares, as in section 4 of Bellemare et al. 2017."""
    return (torch.xlogy(target, target) - target * torch.log_softmax(logits, -1)).sum(-1)
