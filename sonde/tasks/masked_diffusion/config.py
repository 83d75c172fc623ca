"""Settings of masked diffusion: its flags."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class MaskedDiffusionConfig:
    """Settings of masked diffusion."""

    noise_schedule: Literal["linear", "cosine"] = "linear"
    """Share of the tokens that is masked at each time: linear, or cosine, by which sampling begins with fewer tokens a step."""
