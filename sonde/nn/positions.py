"""Where a token stands: sinusoids that are added, rotations of queries and keys, and penalties on distance."""

import torch
from torch import Tensor

BASE = 10_000.0  # the longest wavelength over the shortest

# T tokens, H heads, D channels of a token, K channels of a head


def sinusoidal(length: int, dim: int) -> Tensor:
    """(length, dim) sines in the even channels and cosines in the odd ones, of wavelengths 2π to `BASE`·2π.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5. Raises: ValueError for an odd dim
    """
    if dim % 2:
        raise ValueError(f"sinusoidal positions need an even number of channels, got {dim}")
    angles = _angles(length, dim)
    return torch.stack([angles.sin(), angles.cos()], -1).flatten(1).float()


def rotations(length: int, channels: int) -> Tensor:
    """(length, 2, channels / 2) float32: cosines and sines of the angle of each place and pair of channels.

    Source: Su et al. 2021, RoFormer, arXiv:2104.09864, section 3.2.2
    """
    angles = _angles(length, channels)
    return torch.stack([angles.cos(), angles.sin()], 1).float()


def rotate(input: Tensor, rotary: Tensor) -> Tensor:
    """Rotate the pairs (k, k + K/2) of queries or keys (B, H, T, K) by `rotary` (T, 2, K/2): scores depend on distance alone.

    The halves are paired, as in GPT-NeoX and LLaMA; the paper pairs neighbours, which is the same up to an order of channels.
    """
    cos, sin = rotary.to(input.dtype).unbind(1)  # (T, K/2)
    first, second = input.chunk(2, -1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], -1)


def alibi(heads: int, length: int) -> Tensor:
    """(heads, length, length) float32 added to scores: minus slope times distance, slopes 2^(-8/H), 2^(-16/H), ….

    Source: Press et al. 2021, Train short, test long, arXiv:2108.12409, section 3 (for powers of two heads)
    """
    slopes = 2.0 ** (-8.0 * torch.arange(1, heads + 1) / heads)
    places = torch.arange(length)
    return -slopes[:, None, None] * (places[:, None] - places).abs()


def _angles(length: int, channels: int) -> Tensor:
    """(length, channels / 2) float64: of each place and wavelength."""
    places = torch.arange(length, dtype=torch.float64)
    waves = BASE ** (-torch.arange(0, channels, 2, dtype=torch.float64) / channels)
    return places[:, None] * waves
