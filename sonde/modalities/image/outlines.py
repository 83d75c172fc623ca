"""Objects given by their outlines or by runs of pixels, as COCO writes them -> masks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from sonde.core.dataset import IGNORED
from sonde.core.errors import DataError
from sonde.modalities.image.mask_files import Labels

LARGER = 3  # odd, so that a pixel has a middle one
FEWEST = 6  # numbers in a polygon: three corners


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One object.

    form: polygons [[x, y, x, y, …], …], or {"size": [height, width], "counts": …};  crowd: several, not separated
    """

    number: int  # of its class
    form: Any
    crowd: bool
    place: str  # what an error calls it


@dataclass(frozen=True)
class Outlines:
    """Masks drawn from shapes; smaller ones over larger ones. Pixels of crowds alone count nowhere."""

    sizes: tuple[tuple[int, int], ...]  # (height, width) of each image
    shapes: tuple[tuple[Shape, ...], ...]
    places: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.sizes)

    def read(self, index: int) -> Labels:
        """Classes, and a number for each object. Raises: DataError for a shape that cannot be drawn."""
        height, width = self.sizes[index]
        classes: np.ndarray = np.zeros((height, width), np.uint8)
        objects: np.ndarray = np.zeros((height, width), np.int32)
        drawn = [(shape, filled(shape, height, width)) for shape in self.shapes[index]]
        ordered = sorted(drawn, key=lambda item: (not item[0].crowd, -int(item[1].sum())))
        for number, (shape, inside) in enumerate(ordered, start=1):
            classes[inside] = IGNORED if shape.crowd else shape.number
            objects[inside] = 0 if shape.crowd else number
        return Labels(classes, objects)

    def size(self, index: int) -> tuple[int, int]:
        """(height, width). Raises: DataError for an outline that encloses nothing, before anything is drawn."""
        for shape in self.shapes[index]:
            for polygon in _polygons(shape):
                _corners(polygon, shape.place)
        return self.sizes[index]

    def describe(self, index: int) -> str:
        """ "instances.json image 17"."""
        return self.places[index]


def filled(shape: Shape, height: int, width: int) -> np.ndarray:
    """(height, width) bool: the pixels of a shape. Raises: DataError."""
    if isinstance(shape.form, Mapping):
        return from_runs(shape.form, height, width, shape.place)
    inside: np.ndarray = np.zeros((height, width), bool)
    for polygon in _polygons(shape):
        _fill(inside, np.array(_corners(polygon, shape.place), np.float64))
    return inside


def _fill(inside: np.ndarray, corners: np.ndarray) -> None:
    """Set the pixels of `inside` (H, W) whose middle lies in a polygon of (n, 2) x and y, on its box alone.

    Drawn three times as large, because Pillow also fills what an outline runs through; then every middle is looked at.
    """
    left, top = np.maximum(np.floor(corners.min(0)), 0).astype(int)
    right, bottom = np.minimum(np.ceil(corners.max(0)), inside.shape[::-1]).astype(int)
    if right <= left or bottom <= top:
        return
    canvas = Image.new("1", ((right - left) * LARGER, (bottom - top) * LARGER))
    # Pillow's places are the middles of pixels, COCO's their upper left corners
    places = (corners - (left, top)) * LARGER - 0.5
    ImageDraw.Draw(canvas).polygon([(x, y) for x, y in places.tolist()], fill=1)
    middle = LARGER // 2
    inside[top:bottom, left:right] |= np.asarray(canvas)[middle::LARGER, middle::LARGER]


def _polygons(shape: Shape) -> Sequence[Any]:
    """None of them where the shape is given by runs. Raises: DataError for a shape that is neither."""
    if isinstance(shape.form, Mapping):
        return ()
    if not isinstance(shape.form, list) or not shape.form:
        raise DataError(f"{shape.place} has no outline; it is a list of polygons, or RLE with size and counts")
    return shape.form


def from_runs(form: Mapping[str, Any], height: int, width: int, place: str) -> np.ndarray:
    """(height, width) bool from lengths of runs of 0 and 1 in turn, down the columns.

    Raises: DataError for runs of another size than the image's, or that do not add up to it
    """
    counts = form.get("counts")
    if list(form.get("size") or []) != [height, width]:
        raise DataError(
            f"{place} has RLE counts for size {form.get('size')}, and its image is {[height, width]}; fix the file"
        )
    if isinstance(counts, str):
        lengths = _lengths(counts, place)
    elif isinstance(counts, list) and all(isinstance(length, int) for length in counts):
        lengths = np.array(counts, np.int64)
    else:
        raise DataError(f"{place} has RLE counts that are not integers; fix the file")
    if (lengths < 0).any() or int(lengths.sum()) != height * width:
        raise DataError(
            f"{place} has RLE counts for {int(lengths.sum()):,} pixels, and its image has {height * width:,}; fix the file"
        )
    values = np.arange(len(lengths)) % 2 == 1
    return np.repeat(values, lengths).reshape(width, height).T


def _lengths(text: str, place: str) -> np.ndarray:
    """Lengths from COCO's text: five bits a character, the lowest first; from the fourth on the change to the last but one."""
    found: list[int] = []
    value = shift = 0
    for character in text:
        bits = ord(character) - 48
        if not 0 <= bits < 64:
            raise DataError(
                f"{place} has RLE counts with the character {character!r}, which is not valid there; fix the file"
            )
        value |= (bits & 0x1F) << shift
        shift += 5
        if bits & 0x20:  # more of this number follows
            continue
        if bits & 0x10:  # its highest bit: the number is negative
            value -= 1 << shift
        found.append(value + (found[-2] if len(found) > 2 else 0))
        value = shift = 0
    if shift:
        raise DataError(f"{place} has truncated RLE counts; fix the file")
    return np.array(found, np.int64)


def _corners(polygon: Any, place: str) -> list[tuple[float, float]]:
    """(x, y) of each corner. Raises: DataError."""
    numbers = polygon if isinstance(polygon, list) else []
    if not all(isinstance(number, int | float) for number in numbers) or len(numbers) % 2:
        raise DataError(f"{place} has a polygon that is not a list of alternating x and y; fix the file")
    if len(numbers) < FEWEST:
        raise DataError(f"{place} has a polygon of {len(numbers) // 2} points; a polygon needs at least three")
    return list(zip(numbers[::2], numbers[1::2], strict=True))
