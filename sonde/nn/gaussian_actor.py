"""Observations to Gaussians of numbers, whose tanh is the action (`nn.actions.squashed`)."""

from torch import Tensor, nn

from sonde.nn.pixels import as_shares

LOG_STD = (-5.0, 2.0)  # bounds of the policy's log standard deviation


class GaussianActor(nn.Module):
    """Observations to the means and log standard deviations of numbers, before they are squashed."""

    def __init__(self, torso: nn.Module, features: int, numbers: int) -> None:
        super().__init__()
        self.torso = torso
        self.head = nn.Linear(features, 2 * numbers)

    def forward(self, seen: Tensor) -> tuple[Tensor, Tensor]:
        """(n, *shape) -> two of (n, numbers)."""
        mean, spread = self.head(self.torso(as_shares(seen))).chunk(2, -1)
        low, high = LOG_STD
        return mean, low + (high - low) / 2 * (spread.tanh() + 1)
