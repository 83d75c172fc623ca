"""Observations as networks that learn from a log see them: bytes from 0 to 1, numbers by their mean and deviation there."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.nn.running_norm import RunningNorm


class ScaledObservations(nn.Module):
    """A torso behind that scaling.

    shape: of an observation; pixels, which have channels, are not scaled by what they are in the log
    """

    def __init__(self, torso: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.torso = torso
        self.norm = RunningNorm(shape) if len(shape) != 3 else None

    @torch.no_grad()
    def know(self, read: Callable[[], Iterable[Batch]]) -> None:
        """Take mean and deviation from batches of `input`, once."""
        if self.norm is None or self.norm.count > 0:
            return
        for batch in read():
            self.norm.observe(batch["input"])

    def forward(self, seen: Tensor, *beside: Tensor) -> Tensor:
        """(n, *shape) -> (n, features). beside: what the torso reads beside an observation, as it is: actions"""
        if seen.dtype == torch.uint8:
            seen = seen.float() / 255
        return self.torso(seen if self.norm is None else self.norm(seen), *beside)
