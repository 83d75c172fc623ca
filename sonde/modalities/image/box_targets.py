"""Annotated images -> what training needs of them: their sizes, and targets of boxes in pixels of the stored image."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from sonde.core.errors import DataError
from sonde.core.letterbox import fitted
from sonde.core.progress import Tick
from sonde.data.listing import is_file_named
from sonde.modalities.image.annotations.annotated import Annotated, Skipped, pass_over
from sonde.modalities.image.annotations.stated_size import fitted as fitted_to
from sonde.modalities.image.files import Header, decode, read_header

EACH_TICK = 200
BEYOND = 1.0  # pixels: annotation programs differ by one in where an edge is

# what is done to odd boxes: of one, of several
FLAT = ("box of zero area dropped", "boxes of zero area dropped")
SWAPPED = (
    "box with its corners swapped is read by sorted corners",
    "boxes with swapped corners are read by sorted corners",
)
OUTSIDE = ("box outside its image dropped", "boxes outside their image dropped")
CUT = ("box clipped to its image", "boxes clipped to their image")

Oddities = Counter[tuple[str, str]]
"""How often each of these happened."""


@dataclass(frozen=True)
class Measured:
    """An annotated image that is there, and its header."""

    annotated: Annotated
    header: Header


def measured(images: Sequence[Annotated], skipped: Skipped, tick: Tick, oddities: Oddities) -> list[Measured]:
    """The images with their headers; where unreadable ones are to be passed over, each is decoded to find them.

    Boxes of an image that had another size when they were marked are brought to the size it has, and such are counted.

    Raises: DataError for an image that is not there, cannot be read or has another shape, unless such are skipped
    """
    found = []
    for row, image in enumerate(images):
        if row % EACH_TICK == 0:
            tick("reading image headers", row, len(images))
        try:
            if not is_file_named(image.file):
                raise DataError(
                    f"{image.place} is of {image.file}, which does not exist; add it, or skip such files with --skip-unreadable"
                )
            header = read_header(image.file, str(image.file))
            if skipped is not None:
                decode(image.file, str(image.file))
            boxes, done = fitted_to(image.boxes, image.size, header, image.place)
            if done is not None and len(boxes):
                oddities[done] += 1
            found.append(Measured(image if done is None else replace(image, boxes=boxes), header))
        except DataError as trouble:
            pass_over(trouble, skipped)
    return found


def clean_boxes(image: Measured, *, shares: bool, oddities: Oddities) -> tuple[np.ndarray, list[str]]:
    """Boxes (n, 4) in pixels of the image, inside it and with an area, and their names; what was left out or cut is counted."""
    size = np.array([image.header.width, image.header.height] * 2, np.float64)
    given = image.annotated.boxes * size if shares else image.annotated.boxes
    boxes = np.concatenate([np.minimum(given[:, :2], given[:, 2:]), np.maximum(given[:, :2], given[:, 2:])], axis=1)
    oddities[SWAPPED] += int(np.any(given[:, 2:] < given[:, :2], axis=1).sum())
    flat = np.any(boxes[:, 2:] <= boxes[:, :2], axis=1)
    inside = np.clip(boxes, 0, size)
    outside = np.any(inside[:, 2:] <= inside[:, :2], axis=1) & ~flat
    valid = ~flat & ~outside
    oddities[FLAT] += int(flat.sum())
    oddities[OUTSIDE] += int(outside.sum())
    oddities[CUT] += int((np.abs(inside - boxes).max(axis=1, initial=0) > BEYOND)[valid].sum())
    return inside[valid], [name for name, keep in zip(image.annotated.names, valid, strict=True) if keep]


def box_targets(
    images: Sequence[Measured], names: Sequence[str], room: tuple[int, int], *, shares: bool, oddities: Oddities
) -> np.ndarray:
    """(n, N, 5) float32 class and box in pixels of letterboxed images of `room` (height, width); N of the fullest, 1 at least.

    Raises: DataError for an object whose name is not among `names`
    """
    places = {name: place for place, name in enumerate(names)}
    rows = []
    for image in images:
        boxes, found = clean_boxes(image, shares=shares, oddities=oddities)
        strange = next((name for name in found if name not in places), None)
        if strange is not None:
            raise DataError(
                f"{image.annotated.place} has an object {strange!r}, a class the model was not trained on; there are "
                f"{', '.join(names)}"
            )
        height, width = fitted(image.header.height, image.header.width, room)
        scale = np.array([width / image.header.width, height / image.header.height] * 2)
        classes = np.array([places[name] for name in found], np.float64).reshape(-1, 1)
        rows.append(np.concatenate([classes, boxes * scale], axis=1))
    target = np.zeros((len(rows), max([1, *map(len, rows)]), 5), np.float32)
    target[..., 0] = -1
    for row, objects in enumerate(rows):
        target[row, : len(objects)] = objects
    return target


def counted(count: int, one: str, several: str) -> str:
    """A count with its noun.

    >>> counted(1, "box", "boxes"), counted(1200, "box", "boxes")
    ('1 box', '1,200 boxes')
    """
    return f"{count:,} {one if count == 1 else several}"
