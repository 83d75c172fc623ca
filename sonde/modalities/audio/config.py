"""Settings of recordings."""

from dataclasses import dataclass

from sonde.core.errors import ConfigError

LONGEST = 60.0  # seconds of a clip: each is one picture to a network


@dataclass(frozen=True, kw_only=True)
class AudioConfig:
    """What the names of recordings say, and how much of each is read."""

    labels: str = ""
    """File name pattern of recordings, such as {label}_{speaker}_{take}; label is the target, split may name the split."""
    label_names: tuple[str, ...] = ()
    """Names for labels, such as 0=zero 1=one: class names, or the transcripts for speech recognition."""
    held_out: str = ""
    """Test recordings, by a part of their names or a column: take=0-4, or speaker=theo,jackson."""
    max_seconds: float = 40.0
    """Longest recording in seconds: of longer ones only the beginning is read; with transcripts they are left out."""

    clip_seconds: float = 0.0
    """Length in seconds at which sound is generated or encoded; by default that which 98 % of the training recordings keep to."""

    def __post_init__(self) -> None:
        if not self.max_seconds > 0:
            raise ConfigError(f"--max-seconds must be more than 0, got {self.max_seconds:g}")
        if not 0 <= self.clip_seconds <= LONGEST:
            raise ConfigError(
                f"--clip-seconds must lie from 0 (as the data are) to {LONGEST:g}, got {self.clip_seconds:g}"
            )
