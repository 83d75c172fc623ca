"""How many tokens are masked: a share from 0 (the text) to 1 (nothing but masks), as a function of a time from 0 to 1.

In the papers' words the share is 1 - α. The bound on the likelihood is the same for all schedules (Sahoo et al. 2024,
arXiv:2406.07524, section 3.3): they say where training spends its effort, and how many tokens a step of sampling fills in.
"""

import math

import torch
from torch import Tensor

FIRST = (
    1e-3  # the earliest time in training, as in the code of arXiv:2406.07524: earlier ones have weights without bound
)


def linear(time: Tensor) -> tuple[Tensor, Tensor]:
    """α = 1 - t: (share, weight -α' / (1 - α))."""
    return time, 1 / time


def cosine(time: Tensor) -> tuple[Tensor, Tensor]:
    """α = 1 - cos(π (1 - t) / 2). Source: Shi et al. 2024, arXiv:2406.04329, table 4"""
    left = (1 - time) * (math.pi / 2)
    return left.cos(), left.tan() * (math.pi / 2)


SCHEDULES = {"linear": linear, "cosine": cosine}


def drawn(schedule: str, rows: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(rows,) shares and weights at times spread evenly over the batch, from torch's own stream.

    One number moves all times, so that each is uniform. Source: Kingma et al. 2021, arXiv:2107.00630, appendix I.1
    """
    time = (torch.rand(1, device=device) + torch.arange(rows, device=device) / rows) % 1
    return SCHEDULES[schedule](FIRST + (1 - FIRST) * time)


def steps(schedule: str, number: int) -> list[float]:
    """The share that is masked before the first step of a sampler and behind each: from 1 to 0."""
    times = torch.linspace(1, 0, number + 1, dtype=torch.float64)[1:-1]
    return [1.0, *SCHEDULES[schedule](times)[0].tolist(), 0.0]
