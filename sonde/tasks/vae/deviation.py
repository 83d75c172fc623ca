"""How much noise a decoder's numbers have: learned, and as quickly as it has to be."""

from collections.abc import MutableMapping
from typing import Any

import torch
from torch import Tensor, nn

from sonde.tasks.vae.alone import NARROWEST

QUICK = 16
"""How many times faster than a weight the logarithm of a deviation moves. Adam moves a parameter by about its rate a step: with
1e-3 falling to 0 a deviation could go from 1 to no less than 0.6 in 1,000 steps, and what lies below it stays noise, however well
the network knows it. A power of two, so that what is saved and read is the same number."""
EARLIER = "log_deviation"  # what earlier versions saved: the logarithm itself


class Deviation(nn.Module):
    """Deviations of N numbers, 1 at first. Source: Rybkin, Daniilidis and Levine 2020, arXiv:2006.13202"""

    def __init__(self, numbers: int) -> None:
        super().__init__()
        self.part = nn.Parameter(torch.zeros(numbers))  # of the logarithm, 1 / QUICK

    def forward(self) -> Tensor:
        """(N,)."""
        return (self.part * QUICK).clamp(min=NARROWEST).exp()

    def set(self, deviation: Tensor | float) -> None:
        """Be as given, (N,) or one for all."""
        with torch.no_grad():
            self.part.copy_(torch.as_tensor(deviation).log() / QUICK)


def reads_earlier(likelihood: nn.Module) -> None:
    """Let a module with a `Deviation` called `learned` be loaded from what earlier versions saved of it."""
    likelihood.register_load_state_dict_pre_hook(_from_earlier)


def _from_earlier(module: nn.Module, held: MutableMapping[str, Tensor], prefix: str, *_: Any) -> None:
    if prefix + EARLIER in held:
        held[f"{prefix}learned.part"] = held.pop(prefix + EARLIER) / QUICK
