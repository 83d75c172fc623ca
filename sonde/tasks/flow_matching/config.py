"""Settings of flow matching: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class FlowMatchingConfig:
    """Settings of flow matching."""

    pairing: Literal["random", "optimal"] = "random"
    """Which noise goes to which row: at random (rectified flow), or by minibatch optimal transport (shorter paths)."""
    times: Literal["uniform", "logit-normal"] = "uniform"
    """How times are drawn in training: evenly, or more often in the middle (logit-normal)."""
    class_dropout: float = 0.1
    """Share of the training rows whose class is hidden, which classifier-free guidance needs."""
    latent: str = ""
    """A run of vae, autoencoder or vq-vae on such data, whose codes are learned instead of inputs (latent diffusion)."""

    def __post_init__(self) -> None:
        if not 0 <= self.class_dropout < 1:
            raise ConfigError(f"--class-dropout must lie from 0 to below 1, got {self.class_dropout:g}")
