"""Settings of the autoencoder: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError

USUAL_LATENT = 32  # numbers


@dataclass(frozen=True, kw_only=True)
class AutoencoderConfig:
    """Settings of the autoencoder."""

    latent: int = USUAL_LATENT
    """Numbers that a row is encoded as: the bottleneck."""
    latent_channels: int = 0
    """Of images: a map with so many channels as the code, instead of --latent numbers, for latent diffusion; 0 for none."""
    corrupt: float = 0.0
    """Denoising: how much inputs are disturbed before they are encoded, in training; the loss asks for the clean ones."""
    corruption: Literal["noise", "mask"] = "noise"
    """How: normal noise of deviation --corrupt (1 is that of the data), or the share --corrupt of the values set to 0."""
    sparsity: float = 0.0
    """Sparse autoencoder: weight of the penalty on numbers of the code that are not 0."""

    def __post_init__(self) -> None:
        check_bottleneck(self.latent, self.latent_channels)
        check_coding(self.latent, self.corrupt, self.corruption)
        if not 0 <= self.sparsity < float("inf"):
            raise ConfigError(f"--sparsity must be 0 or more, got {self.sparsity:g}")
        if self.sparsity and self.latent_channels:
            raise ConfigError("--sparsity is for codes without a map; leave it or --latent-channels out")


def check_bottleneck(latent: int, channels: int) -> None:
    """Raises: ConfigError for a bottleneck that is none, or two"""
    if latent < 1:
        raise ConfigError(f"--latent must be at least 1, got {latent}")
    if channels < 0:
        raise ConfigError(f"--latent-channels must be at least 1, or 0 for a code without a map; got {channels}")
    if channels and latent != USUAL_LATENT:
        raise ConfigError(f"--latent {latent} and --latent-channels {channels} are two bottlenecks; give one of them")


def check_coding(latent: int, corrupt: float, corruption: str) -> None:
    """Raises: ConfigError for a bottleneck or a disturbance that is none"""
    if latent < 1:
        raise ConfigError(f"--latent must be at least 1, got {latent}")
    if not 0 <= corrupt < float("inf"):
        raise ConfigError(f"--corrupt must be 0 or more, got {corrupt:g}")
    if corruption == "mask" and corrupt >= 1:
        raise ConfigError(f"--corrupt {corrupt:g} with --corruption mask is a share; give a number below 1")
