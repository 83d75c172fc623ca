"""Settings of recordings."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AudioConfig:
    """What the names of recordings say."""

    labels: str = ""
    """File name pattern of recordings, such as {label}_{speaker}_{take}; label is the target, split may name the split."""
    label_names: tuple[str, ...] = ()
    """Names for labels, such as 0=zero 1=one: class names, or the transcripts for speech recognition."""
    held_out: str = ""
    """Test recordings, by a part of their names or a column: take=0-4, or speaker=theo,jackson."""
