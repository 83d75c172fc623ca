"""Settings of translation: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class TranslationConfig:
    """Settings of translation."""

    label_smoothing: float = 0.0
    """Label smoothing: share of each target token spread uniformly over the vocabulary."""
    beam: int = 5
    """Beam width of the final evaluation and of predict; 1 is greedy decoding (the most probable token each time)."""
    length_penalty: float = 0.6
    """Length penalty (alpha): log probabilities are divided by ((5 + tokens) / 6) ** alpha, which favours longer translations."""
    quick_share: float = 0.5
    """Share of the validation rows translated (greedily) in evaluations during training; the final one translates all."""

    def __post_init__(self) -> None:
        if not 0 <= self.label_smoothing < 1:
            raise ConfigError(f"--label-smoothing must be at least 0 and below 1, got {self.label_smoothing:g}")
        if self.beam < 1:
            raise ConfigError(f"--beam must be at least 1, got {self.beam}")
        if not self.length_penalty >= 0:
            raise ConfigError(f"--length-penalty must be at least 0, got {self.length_penalty:g}")
        if not 0 < self.quick_share <= 1:
            raise ConfigError(f"--quick-share must be above 0 and at most 1, got {self.quick_share:g}")
