"""Settings of anomaly detection: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError
from sonde.tasks.autoencoder.config import check_coding


@dataclass(frozen=True, kw_only=True)
class AnomalyConfig:
    """Settings of anomaly detection."""

    normal: tuple[str, ...] = ()
    """Classes that are normal; only their rows are trained on, and all others are anomalies."""
    anomalous: tuple[str, ...] = ()
    """Classes that are anomalies, instead of --normal; only rows of the others are trained on."""
    false_alarms: float = 0.01
    """Share of normal rows that may be called anomalies: the threshold is that quantile of held-out normal rows."""
    score: Literal["neighbours", "reconstruction"] = "neighbours"
    """What tells anomalies: how far a row is from the normal training rows nearest to it, or how badly it is given back."""
    contrast: float = 1.0
    """Of images and neighbours: how much the encoder also learns to know an image again that was bent a little; 0 for not."""
    stretch: int = 0
    """Of neighbours in rows of steps: so many steps are compared together, wherever they are; 0 compares whole rows."""
    latent: int = 32
    """Numbers that a row is encoded as: the bottleneck."""
    corrupt: float = 0.0
    """How much inputs are disturbed before they are encoded, in training; the loss asks for the clean ones."""
    corruption: Literal["noise", "mask"] = "noise"
    """How: normal noise of deviation --corrupt (1 is that of the data), or the share --corrupt of the values set to 0."""

    def __post_init__(self) -> None:
        check_coding(self.latent, self.corrupt, self.corruption)
        if not 0 < self.false_alarms < 1:
            raise ConfigError(f"--false-alarms must lie between 0 and 1, got {self.false_alarms:g}")
        if not self.contrast >= 0:
            raise ConfigError(f"--contrast must be 0 or more, got {self.contrast:g}")
        if self.stretch < 0:
            raise ConfigError(f"--stretch must be 0 or more, got {self.stretch}")
        if self.normal and self.anomalous:
            raise ConfigError("--normal and --anomalous both say which classes are normal; give one of them")
