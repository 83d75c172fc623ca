"""Distributions over actions, as plain functions of what a network gives: one of several, or numbers from a Gaussian."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

AT_BOUND = 0.99  # of a bound: as good as there, since tanh never is


def draw_category(logits: Tensor, random: torch.Generator | None) -> Tensor:
    """(n, k) logits -> (n,) int64 of each a draw; the likeliest without a generator.

    The largest of logits with Gumbel noise is a draw (Gumbel 1954), and takes no sum.
    """
    if random is None:
        return logits.argmax(-1)
    noise = torch.empty_like(logits).exponential_(generator=random)
    return (logits - noise.log()).argmax(-1)


def category_log_prob(logits: Tensor, chosen: Tensor) -> Tensor:
    """(n, k) logits, (n,) int64 -> (n,) log-probabilities."""
    return F.log_softmax(logits, -1).gather(-1, chosen[:, None])[:, 0]


def category_entropy(logits: Tensor) -> Tensor:
    """(n, k) logits -> (n,) nats."""
    logs = F.log_softmax(logits, -1)
    return -(logs.exp() * logs).sum(-1)


def draw_categories(logits: Tensor, sizes: Sequence[int], random: torch.Generator | None) -> Tensor:
    """(n, sum of sizes) logits -> (n, parts) int64, each part a draw of its own; the likeliest without a generator."""
    return torch.stack([draw_category(part, random) for part in logits.split(list(sizes), -1)], -1)


def categories_log_prob(logits: Tensor, sizes: Sequence[int], chosen: Tensor) -> Tensor:
    """(n, sum of sizes) logits, (n, parts) int64 -> (n,) log-probabilities of all parts together, which are independent."""
    parts = zip(logits.split(list(sizes), -1), chosen.unbind(-1), strict=True)
    return torch.stack([category_log_prob(part, each) for part, each in parts], -1).sum(-1)


def categories_entropy(logits: Tensor, sizes: Sequence[int]) -> Tensor:
    """(n, sum of sizes) logits -> (n,) nats of all parts together."""
    return sum((category_entropy(part) for part in logits.split(list(sizes), -1)), torch.zeros(len(logits)).to(logits))


def draw_gaussian(mean: Tensor, log_std: Tensor, random: torch.Generator | None) -> Tensor:
    """(n, d) of each a draw; the mean without a generator."""
    if random is None:
        return mean
    return mean + log_std.exp() * torch.randn(mean.shape, generator=random, device=mean.device, dtype=mean.dtype)


def gaussian_log_prob(mean: Tensor, log_std: Tensor, chosen: Tensor) -> Tensor:
    """(n, d) -> (n,) log-densities of independent numbers."""
    apart = (chosen - mean) * (-log_std).exp()
    return -(apart.square() / 2 + log_std + math.log(2 * math.pi) / 2).sum(-1)


def gaussian_entropy(mean: Tensor, log_std: Tensor) -> Tensor:
    """(n, d) means, whose number counts; (d,) -> (n,) nats."""
    return (log_std + (1 + math.log(2 * math.pi)) / 2).expand_as(mean).sum(-1)


def squashed(mean: Tensor, log_std: Tensor, noise: Tensor | None) -> tuple[Tensor, Tensor]:
    """tanh of a Gaussian draw, (n, d) within -1 and 1, and (n,) its log-density; without noise tanh of the mean.

    Source: Haarnoja et al. 2018, arXiv:1812.05905, appendix C, with log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2 u))
    """
    drawn = mean if noise is None else mean + log_std.exp() * noise
    log_prob = gaussian_log_prob(mean, log_std, drawn)
    return drawn.tanh(), log_prob - (2 * (math.log(2) - drawn - F.softplus(-2 * drawn))).sum(-1)


def stretched(action: Tensor, middle: Sequence[float] | np.ndarray, half: Sequence[float] | np.ndarray) -> Tensor:
    """(n, d) numbers from -1 to 1 -> (n, d) float32, from middle - half to middle + half, rounded once."""
    exact = {"device": action.device, "dtype": torch.float32 if action.device.type == "mps" else torch.float64}
    return (action.to(exact["dtype"]) * torch.as_tensor(half, **exact) + torch.as_tensor(middle, **exact)).float()


def share_at_bound(action: Tensor) -> Tensor:
    """(n, d) numbers between -1 and 1, or beyond -> how often that one lies at one of its bounds which does most often."""
    return torch.stack([(action >= AT_BOUND).float().mean(0), (action <= -AT_BOUND).float().mean(0)]).max()
