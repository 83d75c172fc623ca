"""Settings of clips."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.bounds import at_least


@dataclass(frozen=True, kw_only=True)
class VideoConfig:
    """What is read as clips, and how much of each."""

    clips: Literal["auto", "yes", "no"] = "auto"
    """Whether arrays (rows, time, height, width) and animated pictures are clips; auto says on screen what they are taken for."""

    clip_frames: int | None = None
    """Frames of each clip that are read, the first ones; by default those of the shortest clip."""

    def __post_init__(self) -> None:
        at_least(self, 1, "clip_frames")
