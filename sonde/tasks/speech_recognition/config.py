"""Settings of speech recognition: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class SpeechRecognitionConfig:
    """Settings of speech recognition."""

    beam: int = 1
    """Texts that are followed side by side when judging at the end and when predicting; 1 takes each frame's likeliest symbol."""

    def __post_init__(self) -> None:
        if self.beam < 1:
            raise ConfigError(f"--beam must be at least 1, got {self.beam}")
