"""Settings of question answering: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class QuestionAnsweringConfig:
    """Settings of question answering."""

    longest_answer: int = 30
    """Most tokens of a predicted answer."""
    stride: int = 128
    """Tokens between the starts of two windows of a long text (doc stride); windows have --max-tokens tokens."""

    null_threshold: float = 0.0
    """How far the log probability of no answer must lie above that of the best one before none is given (SQuAD 2.0)."""

    def __post_init__(self) -> None:
        for name in ("longest_answer", "stride"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, got {getattr(self, name)}")
