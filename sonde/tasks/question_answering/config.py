"""Settings of question answering: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class QuestionAnsweringConfig:
    """Settings of question answering."""

    longest_answer: int = 30
    """Tokens that an answer has at most when one is looked for."""
    stride: int = 128
    """Tokens from one window of a long text to the next; the window's own length is --max-tokens."""

    def __post_init__(self) -> None:
        for name in ("longest_answer", "stride"):
            if getattr(self, name) < 1:
                raise ConfigError(f"--{name.replace('_', '-')} must be at least 1, got {getattr(self, name)}")
