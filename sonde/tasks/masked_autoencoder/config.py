"""Settings of the masked autoencoder: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError

HEADS = 4  # of the decoder's attention


@dataclass(frozen=True, kw_only=True)
class MaskedAutoencoderConfig:
    """Settings of the masked autoencoder."""

    mask_share: float = 0.75
    """Share of the patches that are masked."""
    decoder_width: int = 128
    """Channels of the decoder, which is discarded after pretraining; a multiple of its 4 heads."""
    decoder_depth: int = 2
    """Transformer blocks of the decoder."""

    def __post_init__(self) -> None:
        if not 0 < self.mask_share < 1:
            raise ConfigError(f"--mask-share must lie between 0 and 1, got {self.mask_share:g}")
        if self.decoder_width < HEADS or self.decoder_width % HEADS:
            raise ConfigError(f"--decoder-width must be a multiple of {HEADS}, got {self.decoder_width}")
        if self.decoder_depth < 1:
            raise ConfigError(f"--decoder-depth must be at least 1, got {self.decoder_depth}")
