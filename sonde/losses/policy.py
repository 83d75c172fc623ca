"""Losses of policies."""

import torch
from torch import Tensor


def clipped_surrogate(ratio: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """The mean of -min(r A, clip(r, 1 - clip, 1 + clip) A): Schulman et al. 2017, arXiv:1707.06347, equation 7.

    ratio: (n,) of the probability of each action to that when it was taken;  advantage: (n,)
    """
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage).mean()


def value_error(value: Tensor, target: Tensor, *, before: Tensor, clip: float | None) -> Tensor:
    """Half the mean square error; with a clip the larger of that and of values that moved at most so far since the rollout.

    Source: Huang et al. 2022, "The 37 implementation details of proximal policy optimization", detail 9
    """
    error = (value - target).square()
    if clip is not None:
        near = before + (value - before).clamp(-clip, clip)
        error = torch.maximum(error, (near - target).square())
    return error.mean() / 2


def standardised(advantage: Tensor) -> Tensor:
    """(n,) with mean 0 and standard deviation 1 (Huang et al. 2022, detail 7)."""
    return (advantage - advantage.mean()) / (advantage.std(unbiased=False) + 1e-8)


def explained_variance(value: Tensor, target: Tensor) -> Tensor:
    """1 - Var(target - value) / Var(target): 1 for perfect values, 0 for a constant, below 0 for worse than that."""
    return 1 - (target - value).var(unbiased=False) / target.var(unbiased=False).clamp_min(1e-12)
