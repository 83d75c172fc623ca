"""Settings of the variational autoencoder: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError
from sonde.tasks.autoencoder.config import USUAL_LATENT, check_bottleneck


@dataclass(frozen=True, kw_only=True)
class VAEConfig:
    """Settings of the variational autoencoder."""

    latent: int = USUAL_LATENT
    """Numbers that a row is encoded as: the bottleneck."""
    latent_channels: int = 0
    """Of images: a map with so many channels as the code, instead of --latent numbers, for latent diffusion; 0 for none."""
    beta: float = 1.0
    """Weight of the divergence from the prior in the loss; above 1 numbers of the code tend to mean one thing each."""
    free_bits: float = 0.0
    """Nats of each number of the code that cost nothing, against codes that are not used; 0 for none."""
    likelihood: Literal["gaussian", "bernoulli"] = "gaussian"
    """What the decoder's outputs mean: values with noise whose deviation is learned, or probabilities of white pixels."""
    binarise: Literal["auto", "dynamic", "threshold", "none"] = "auto"
    """With --likelihood bernoulli: pixels become 0 or 1 by chance anew each time (dynamic), or at one half (threshold).
    auto is dynamic then; none takes grey pixels as they are, for which the bound is no likelihood."""
    importance: int = 0
    """Samples a row of the importance-weighted bound, which final evaluations report beside the ELBO; 0 for none."""

    def __post_init__(self) -> None:
        check_bottleneck(self.latent, self.latent_channels)
        for name in ("beta", "free_bits"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ConfigError(f"--{name.replace('_', '-')} must be 0 or more, got {getattr(self, name):g}")
        if self.importance < 0:
            raise ConfigError(f"--importance is a number of samples, or 0 for none; got {self.importance}")
        if self.likelihood == "gaussian" and self.binarise in ("dynamic", "threshold"):
            raise ConfigError(f"--binarise {self.binarise} is for --likelihood bernoulli; leave it out, or give both")
