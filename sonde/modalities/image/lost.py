"""What is lost of images on the way to what is learnt from: shapes that only transparency shows, sides that become a line."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from sonde.core.errors import DataError
from sonde.data.splits import evenly_spaced
from sonde.modalities.image.files import Content, Header, decode

LOOKED_AT = 50  # images that are laid over white to see what is left
MANY = 0.1  # share of them that are blank, from which it is said
THIN = 8  # pixels of the shorter side, below which little can be seen


class Images(Protocol):
    """Images by number."""

    def __len__(self) -> int: ...
    def content(self, index: int) -> Content: ...
    def describe(self, index: int) -> str: ...


def blank_on_white(images: Images, headers: Sequence[Header]) -> list[str]:
    """A warning of images of one colour once what is transparent shows white; empty where there are few.

    headers: of any of the images: where none says that something is transparent, nothing is decoded
    """
    if not any(header.clear for header in headers):
        return []
    seen, blank = 0, []
    for row in map(int, evenly_spaced(len(images), LOOKED_AT)):
        try:
            image = decode(images.content(row), images.describe(row))
        except DataError:
            continue  # said, or skipped, where all are read
        seen += 1
        if all(low == high for low, high in np.array(image.getextrema()).reshape(-1, 2)):
            blank.append(images.describe(row))
    if len(blank) < max(2, MANY * seen):
        return []
    return [
        f"{len(blank):,} of {seen:,} images that were examined are of one colour once their transparency is laid over "
        f"white, such as {blank[0]}; lay them over another: magick mogrify -background black -alpha remove -alpha off "
        "FILES"
    ]


def thin(shape: Sequence[int], headers: Sequence[Header]) -> list[str]:
    """A warning where images are stored with a side of a few pixels and were larger. shape: (channels, height, width)"""
    sides = np.array([(header.height, header.width) for header in headers])
    height, width = shape[1:]
    if min(height, width) >= THIN or not ((sides[:, 0] > height) | (sides[:, 1] > width)).all():
        return []
    return [
        f"images are stored at {height}x{width}, and were {sides[:, 0].min()}x{sides[:, 1].min()} to "
        f"{sides[:, 0].max()}x{sides[:, 1].max()}: few details remain; cut them into squarer pieces, or give "
        "--image-size"
    ]
