"""How much noise: the ratio σ of noise to data, as a function of a time from 0 (data) to 1 (noise).

All schedules are told by σ alone: a row x with noise is x + σ ε, which the network gets divided by √(1 + σ²). Where the data
have variance 1 that is the variance-preserving form α x + s ε with α = 1 / √(1 + σ²) and s = σ α.
"""

import math

import torch
from torch import Tensor

LEAST, MOST = 0.004, 160.0  # EDM's 0.002 and 80 (arXiv:2206.00364, table 1), whose data have deviation 0.5, times 2
CENTRE, SPREAD = math.log(2) - 1.2, 1.2  # of log σ in training, by the same table and for the same reason
CURVE = 7.0  # ρ of the same table
FIRST, LAST = (
    0.1,
    20.0,
)  # of DDPM's noise a step, times its 1000 steps (arXiv:2006.11239, section 4; arXiv:2011.13456, C)


def cosine(time: Tensor) -> Tensor:
    """σ = tan(π t / 2). Source: Nichol and Dhariwal 2021, arXiv:2102.09672, as Kingma et al. 2021 write it."""
    return torch.tan(time * (math.pi / 2)).clamp(LEAST, MOST)


def linear(time: Tensor) -> Tensor:
    """DDPM's linear schedule in continuous time: 1 + σ² = exp(∫ β)."""
    return torch.expm1(FIRST * time + (LAST - FIRST) * time.square() / 2).sqrt().clamp(LEAST, MOST)


def edm(time: Tensor) -> Tensor:
    """EDM's steps: σ^(1/ρ) falls evenly. Source: Karras et al. 2022, arXiv:2206.00364, equation 5"""
    low, high = LEAST ** (1 / CURVE), MOST ** (1 / CURVE)
    return (low + time * (high - low)) ** CURVE


SCHEDULES = {"cosine": cosine, "linear": linear, "edm": edm}


def drawn(schedule: str, rows: int, device: torch.device) -> Tensor:
    """(rows,) σ for training, from torch's own stream: at even times, of EDM log-normal."""
    if schedule == "edm":
        return (CENTRE + SPREAD * torch.randn(rows, device=device)).exp().clamp(LEAST, MOST)
    return SCHEDULES[schedule](torch.rand(rows, device=device))


def quantiles(schedule: str, places: Tensor) -> Tensor:
    """σ at places (L,) in 0..1 of the distribution that training draws from."""
    if schedule == "edm":
        return (CENTRE + SPREAD * torch.special.ndtri(places)).exp().clamp(LEAST, MOST)
    return SCHEDULES[schedule](places)


def steps(schedule: str, number: int) -> list[float]:
    """The σ of a sampler's steps: `number` from the most noise on, and 0 behind them."""
    times = torch.linspace(1, 0, number + 1, dtype=torch.float64)[:-1]
    return [*SCHEDULES[schedule](times).tolist(), 0.0]
