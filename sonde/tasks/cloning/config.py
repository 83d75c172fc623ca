"""Settings of behaviour cloning: their flags."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class CloningConfig:
    """Settings of behaviour cloning."""

    cloning_loss: Literal["likelihood", "mse"] = "likelihood"
    """How logged actions are followed: by their log-likelihood, of numbers under a Gaussian; or, of numbers alone, by the mean
    squared error, by which they are then judged too."""
    act_sampled: bool = False
    """Act by drawn actions, and not by the likeliest."""
