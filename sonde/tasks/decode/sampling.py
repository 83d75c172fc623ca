"""Sampling of the next token: temperature, top-k, and nucleus sampling (top-p)."""

from dataclasses import dataclass

import torch
from torch import Tensor

from sonde.core.errors import ConfigError

# B rows, V symbols


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How a token is drawn.

    temperature: logits are divided by it; 0 takes the most probable token
    top_k: only so many of the most probable are drawn from; 0 for all (Fan et al. 2018, arXiv:1805.04833)
    top_p: only the fewest that have this probability together; 1 for all (Holtzman et al. 2019, arXiv:1904.09751)
    Raises: ConfigError for what is out of range
    """

    temperature: float = 0.8
    top_k: int = 0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature >= 0:
            raise ConfigError(f"--temperature must be at least 0, got {self.temperature:g}")
        if self.top_k < 0:
            raise ConfigError(f"--top-k must be at least 0, got {self.top_k}")
        if not 0 < self.top_p <= 1:
            raise ConfigError(f"--top-p must be above 0 and at most 1, got {self.top_p:g}")


def distribution(logits: Tensor, sampling: Sampling) -> Tensor:
    """(B, V) probabilities that are drawn from: temperature first, then top-k, then top-p of what is left."""
    if sampling.temperature == 0:
        return torch.zeros_like(logits).scatter_(1, logits.argmax(1, keepdim=True), 1.0)
    scaled = logits.double() / sampling.temperature
    if 0 < sampling.top_k < logits.shape[1]:
        weakest = scaled.topk(sampling.top_k, dim=1).values[:, -1:]
        scaled = scaled.masked_fill(scaled < weakest, -torch.inf)
    probs = scaled.softmax(1)
    if sampling.top_p < 1:
        ordered, places = probs.sort(dim=1, descending=True, stable=True)
        above = ordered.cumsum(1) - ordered  # what the more probable ones have together
        nucleus = torch.where(above < sampling.top_p, ordered, 0)
        probs = torch.zeros_like(probs).scatter_(1, places, nucleus)
        probs = probs / probs.sum(1, keepdim=True)
    return probs


def draw(logits: Tensor, sampling: Sampling, drawn: torch.Generator) -> Tensor:
    """(B, V) -> (B,) int64, a token for each row; `drawn` is a generator of the host, so that a seed means the same anywhere."""
    probs = distribution(logits, sampling).cpu()
    if sampling.temperature == 0:
        return probs.argmax(1).to(logits.device)
    return torch.multinomial(probs, 1, generator=drawn)[:, 0].to(logits.device)
