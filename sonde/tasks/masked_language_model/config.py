"""Settings of the masked language model: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class MaskedLanguageModelConfig:
    """Settings of the masked language model."""

    hidden_share: float = 0.15
    """Share of the tokens selected for prediction (masking probability)."""

    def __post_init__(self) -> None:
        if not 0 < self.hidden_share < 1:
            raise ConfigError(f"--hidden-share must lie between 0 and 1, got {self.hidden_share:g}")
