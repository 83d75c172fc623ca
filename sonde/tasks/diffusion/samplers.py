"""From noise to data by a network that says what is below the noise. All with x = data + σ ε, σ falling to 0."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

Denoise = Callable[[Tensor, float], Tensor]
"""(N, *shape) with noise σ, and σ -> the mean of the data given it."""
Noise = Callable[[tuple[int, ...]], Tensor]
Keep = Callable[[Tensor, float], Tensor]
"""(N, *shape) at noise σ, and σ -> the same with the part that is known in place."""


def ddim(denoise: Denoise, at: Tensor, sigmas: Sequence[float], noise: Noise, keep: Keep) -> Tensor:
    """Deterministic, one evaluation a step: Euler's method in σ. Source: Song, Meng and Ermon 2020, arXiv:2010.02502"""
    for now, then in zip(sigmas, sigmas[1:], strict=False):
        clean = denoise(at, now)
        at = keep(clean + (then / now) * (at - clean), then)
    return at


def ddpm(denoise: Denoise, at: Tensor, sigmas: Sequence[float], noise: Noise, keep: Keep) -> Tensor:
    """Ancestral: each step draws from the posterior. Source: Ho, Jain and Abbeel 2020, arXiv:2006.11239, equation 7"""
    for now, then in zip(sigmas, sigmas[1:], strict=False):
        clean = denoise(at, now)
        up = (then**2 * (now**2 - then**2)) ** 0.5 / now
        down = then**2 / now
        at = clean + (down / now) * (at - clean)
        at = keep(at + up * noise(tuple(at.shape)) if up else at, then)
    return at


def heun(denoise: Denoise, at: Tensor, sigmas: Sequence[float], noise: Noise, keep: Keep) -> Tensor:
    """Deterministic, of second order: two evaluations a step but the last.

    Source: Karras et al. 2022, arXiv:2206.00364, algorithm 1
    """
    for now, then in zip(sigmas, sigmas[1:], strict=False):
        slope = (at - denoise(at, now)) / now
        ahead = at + (then - now) * slope
        if then:
            slope = (slope + (ahead - denoise(ahead, then)) / then) / 2
            ahead = at + (then - now) * slope
        at = keep(ahead, then)
    return at


SAMPLERS = {"heun": heun, "ddim": ddim, "ddpm": ddpm}
"""By name, the usual one first."""


def begin(start: Tensor, sigma: float) -> Tensor:
    """Where the samplers begin: noise of variance σ² + 1, which data of variance 1 with noise σ have."""
    return start * torch.tensor(sigma**2 + 1, dtype=torch.float64).sqrt().to(start)
