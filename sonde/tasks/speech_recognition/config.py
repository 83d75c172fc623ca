"""Settings of speech recognition: its flags."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class SpeechRecognitionConfig:
    """Settings of speech recognition."""

    beam: int = 1
    """Beam width of the final evaluation and of predict; 1 is greedy decoding (the most probable symbol of each frame)."""

    def __post_init__(self) -> None:
        if self.beam < 1:
            raise ConfigError(f"--beam must be at least 1, got {self.beam}")
