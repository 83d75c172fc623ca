"""Quantiles about a forecast: how far each lies from the middle, learned for every step and variable."""

from collections.abc import Sequence
from statistics import NormalDist

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SMALLEST = 1e-3  # deviations of the series; a window that does not vary still leaves room for an error

# B windows, L look-back, H horizon, V variables, Q quantiles


class QuantileBand(nn.Module):
    """A forecast (B, H, V), the middle, and beside it further quantiles: (B, H, V, Q), rising along the last axis.

    quantiles: rising, 0.5 among them. Their distances from one another are positive by construction, so they never cross; each
    is in deviations of its window, which makes the band wider where the series has been restless. It begins as a normal
    distribution's, with the window's deviation.
    """

    def __init__(self, horizon: int, variables: int, quantiles: Sequence[float]) -> None:
        super().__init__()
        below = [q for q in reversed(quantiles) if q < 0.5]
        self.below = nn.Parameter(_distances(below).expand(horizon, variables, -1).clone())
        self.above = nn.Parameter(_distances([q for q in quantiles if q > 0.5]).expand(horizon, variables, -1).clone())

    def forward(self, middle: Tensor, window: Tensor) -> Tensor:
        """(B, H, V), (B, L, V) -> (B, H, V, Q)."""
        unit = window.std(1, unbiased=False).clamp(min=SMALLEST)[:, None, :, None]  # (B, 1, V, 1)
        under = F.softplus(self.below).cumsum(-1).flip(-1) * unit
        over = F.softplus(self.above).cumsum(-1) * unit
        whole = middle[..., None]
        return torch.cat([whole - under, whole, whole + over], -1)


def _distances(quantiles: Sequence[float]) -> Tensor:
    """What softplus makes the normal distribution's distances of, each from the one nearer to the middle: (Q,)."""
    places = torch.tensor([0.0, *(abs(NormalDist().inv_cdf(q)) for q in quantiles)])
    return places.diff().expm1().log()
