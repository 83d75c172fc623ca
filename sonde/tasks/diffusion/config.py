"""Settings of diffusion: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class DiffusionConfig:
    """Settings of diffusion."""

    noise_schedule: Literal["cosine", "linear", "edm"] = "cosine"
    """How much noise rows get in training: cosine or linear (DDPM) schedule, or log-normal (EDM)."""
    predicts: Literal["v", "noise", "input"] = "v"
    """What the network predicts: velocity v (with inputs of variance 1 the preconditioning of EDM), the noise, or the input."""
    class_dropout: float = 0.1
    """Share of the training rows whose class is hidden, which classifier-free guidance needs."""
    latent: str = ""
    """A run of vae, autoencoder or vq-vae on such data, whose codes are learned instead of inputs (latent diffusion)."""

    def __post_init__(self) -> None:
        if not 0 <= self.class_dropout < 1:
            raise ConfigError(f"--class-dropout must lie from 0 to below 1, got {self.class_dropout:g}")
