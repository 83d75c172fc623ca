"""Boxes that were marked in a picture of another size: before it was turned upright, or before it was resized."""

from collections.abc import Sequence

import numpy as np

from sonde.core.errors import DataError
from sonde.modalities.image.files import UPRIGHT_SWAPS, Header

SAME = 1  # pixels: programs differ by one in what a size is
SLACK = 0.01  # share of a side by which rounding may change the shape of what was resized

# what is done to them: of one image, of several
TURNED = (
    "image was annotated as stored and is rotated by its EXIF orientation: its boxes are rotated with it",
    "images were annotated as stored and are rotated by their EXIF orientation: their boxes are rotated with them",
)
SWAPPED = (
    "image has width and height swapped in its annotation: its boxes are taken as they are",
    "images have width and height swapped in their annotations: their boxes are taken as they are",
)
RESIZED = (
    "image has another size than its annotation says, and the same shape: its boxes are scaled to it",
    "images have other sizes than their annotations say, and the same shape: their boxes are scaled to them",
)


def fitted(
    boxes: np.ndarray, stated: Sequence[float], header: Header, place: str
) -> tuple[np.ndarray, tuple[str, str] | None]:
    """(boxes (n, 4) in pixels of the upright image, what was done to them; None for nothing).

    stated: (height, width) that the annotation gives its image; without both of them nothing is known
    Raises: DataError for a size of another shape, in which boxes have no known place
    """
    height, width = stated
    if min(height, width) <= 0 or (abs(height - header.height) <= SAME and abs(width - header.width) <= SAME):
        return boxes, None
    if abs(width - header.height) <= SAME and abs(height - header.width) <= SAME:
        if header.orientation in UPRIGHT_SWAPS:
            return turned(boxes, header.orientation, height, width), TURNED
        return boxes, SWAPPED
    if abs(height * header.width / width - header.height) > SAME + SLACK * header.height:
        raise DataError(
            f"{place} says {height:g}x{width:g} (height x width), and the image is {header.height}x{header.width}, so "
            "the positions of its boxes are unknown; export the annotations again with the images as they are, or skip "
            "such with --skip-unreadable"
        )
    return boxes * np.array([header.width / width, header.height / height] * 2), RESIZED


def turned(boxes: np.ndarray, orientation: int, height: float, width: float) -> np.ndarray:
    """Boxes in an image of (height, width) as stored -> in the upright one, for an EXIF orientation that swaps the sides.

    >>> turned(np.array([[1.0, 2, 4, 8]]), 6, height=10, width=20).tolist()
    [[2.0, 1.0, 8.0, 4.0]]
    """
    across, down = boxes[:, [1, 3]], boxes[:, [0, 2]]  # where x and y of the upright image come from
    if orientation in (6, 7):
        across = height - across[:, ::-1]
    if orientation in (7, 8):
        down = width - down[:, ::-1]
    return np.stack([across[:, 0], down[:, 0], across[:, 1], down[:, 1]], axis=1)
