"""Settings of translation: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class TranslationConfig:
    """Settings of translation."""

    label_smoothing: float = 0.0
    """Share of each target token spread evenly over the vocabulary."""
    beam: int = 5
    """Translations that are followed side by side when judging at the end and when predicting; 1 takes the likeliest token."""
    length_penalty: float = 0.6
    """How much longer translations are favoured: log probabilities are divided by ((5 + tokens) / 6) to this power."""
    quick_share: float = 0.5
    """Share of the validation rows translated, with a beam of 1, while training goes on; at the end all are, with the beam."""

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise ConfigError(f"--label-smoothing must lie from 0 to below 1, got {self.label_smoothing:g}")
        if self.beam < 1:
            raise ConfigError(f"--beam must be at least 1, got {self.beam}")
        if not self.length_penalty >= 0:
            raise ConfigError(f"--length-penalty must be at least 0, got {self.length_penalty:g}")
        if not 0 < self.quick_share <= 1:
            raise ConfigError(f"--quick-share must lie above 0 and up to 1, got {self.quick_share:g}")
