"""Settings of recordings."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class AudioConfig:
    """What the names of recordings say."""

    labels: str = ""
    """How names of recordings are made, such as {label}_{speaker}_{take}; label is what is predicted, split may name a split."""
    label_names: tuple[str, ...] = ()
    """Names for labels, such as 0=zero 1=one: what classes are called, and what is said where speech is recognised."""
    held_out: str = ""
    """Recordings for the final judgement, by a part of their names or a column: take=0-4, or speaker=theo,jackson."""
