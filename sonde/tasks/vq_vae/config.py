"""Settings of the vector-quantised autoencoder: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class VQVAEConfig:
    """Settings of the vector-quantised autoencoder."""

    quantiser: Literal["ema", "fsq"] = "ema"
    """ema: a codebook whose codes follow the means of what chose them; fsq: a fixed grid, finite scalar quantisation."""
    codes: int = 512
    """Codes of the codebook (--quantiser ema)."""
    code_width: int = 64
    """Numbers of a code (--quantiser ema)."""
    codebook_decay: float = 0.99
    """Share of the codebook's averages that a step keeps; 0 makes each step one of k-means."""
    restart_below: float = 0.03
    """A code that is chosen less than this share as often as the mean code starts anew from a vector; 0: never."""
    commitment: float = 0.25
    """Weight of the distance between what is encoded and its code, which keeps the encoder near the codebook."""
    fsq_levels: tuple[int, ...] = (8, 5, 5, 5)
    """Levels of each number of a code (--quantiser fsq); their product is the number of codes."""

    def __post_init__(self) -> None:
        for name in ("codes", "code_width"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, got {getattr(self, name)}")
        if not 0 <= self.codebook_decay < 1:
            raise ConfigError(f"--codebook-decay must lie from 0 to below 1, got {self.codebook_decay:g}")
        if not 0 <= self.restart_below < 1:
            raise ConfigError(f"--restart-below must lie from 0 to below 1, got {self.restart_below:g}")
        if not 0 <= self.commitment < float("inf"):
            raise ConfigError(f"--commitment must be 0 or more, got {self.commitment:g}")
        if not self.fsq_levels or min(self.fsq_levels) < 2:
            raise ConfigError(f"--fsq-levels are numbers from 2, got {' '.join(map(str, self.fsq_levels)) or 'none'}")
