"""Settings of images."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.bounds import at_least
from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.modalities.table.config import TableConfig


@dataclass(frozen=True, kw_only=True)
class ImageConfig:
    """How images are stored."""

    image_size: int | None = None
    """Height and width that images are resized to, in pixels; by default chosen from the images."""

    pages: Literal["first", "channels"] = "first"
    """Pages of TIFF files: read the first of each, or all (grey) pages as the channels of one image."""

    def __post_init__(self) -> None:
        at_least(self, 1, "image_size")


def refuse_groups(source: str, config: DataConfig) -> None:
    """Raises: DataError for --group where images come without columns, in which groups would stand"""
    if config.of(TableConfig).group is not None:
        raise DataError(f"{source} has no column of groups of images; leave --group out")


def refuse_pages(source: str, config: DataConfig) -> None:
    """Raises: DataError for --pages channels where images have no pages, or their pages cannot be channels"""
    if config.of(ImageConfig).pages != "first":
        raise DataError(f"{source} has no pages that can be read as channels; leave --pages out")
