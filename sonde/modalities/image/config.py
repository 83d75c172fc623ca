"""Settings of images."""

from dataclasses import dataclass

from sonde.core.bounds import at_least


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """How images are stored."""

    image_size: int | None = None
    """Height and width that images are resized to, in pixels; by default chosen from the images."""

    def __post_init__(self) -> None:
        at_least(self, 1, "image_size")
