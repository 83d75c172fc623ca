"""Pictures with boxes on them, each with its name and score in a colour of its class."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from sonde.core.class_maps import COLOURS

if TYPE_CHECKING:
    from PIL import Image

LINE = 400  # pixels of the longer side to a pixel of line width


def drawn(
    pixels: np.ndarray,
    objects: Sequence[Mapping[str, Any]],
    names: Sequence[str],
) -> np.ndarray:
    """(C, H, W) uint8, grey or RGB, and boxes in its pixels -> (3, H, W) uint8 with them on it."""
    from PIL import Image

    planes = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    image = draw(Image.fromarray(np.ascontiguousarray(planes)), objects, names)
    return np.asarray(image).transpose(2, 0, 1)


def draw(
    image: "Image.Image",
    objects: Sequence[Mapping[str, Any]],
    names: Sequence[str],
) -> "Image.Image":
    """A copy in RGB with each object's box, name and, where it has one, score; the surest on top.

    objects: dicts with "name", "box" (left, top, right, bottom in pixels) and perhaps "score"
    names: all classes, whose order gives the colours
    """
    from PIL import ImageDraw

    picture = image.convert("RGB")
    pencil = ImageDraw.Draw(picture)
    width = max(1, round(max(picture.size) / LINE))
    for entry in sorted(objects, key=lambda one: one.get("score", 1.0)):
        colour = COLOURS[names.index(entry["name"]) % len(COLOURS)]
        left, top, right, bottom = _corners(entry["box"])
        pencil.rectangle((left, top, right, bottom), outline=colour, width=width)
        text = f"{entry['name']} {entry['score']:.2f}" if "score" in entry else str(entry["name"])
        _caption(pencil, text, left, top, colour)
    return picture


def _corners(box: Sequence[float]) -> tuple[int, int, int, int]:
    """The outermost pixels of a box."""
    left, top, right, bottom = (round(side) for side in box)
    return left, top, max(left, right - 1), max(top, bottom - 1)


def _caption(pencil: Any, text: str, left: int, top: int, colour: str) -> None:
    """White on the box's colour, above its upper left corner, or inside where there is no room above."""
    _, _, wide, high = pencil.textbbox((0, 0), text)
    y = top - high - 1 if top > high else top
    pencil.rectangle((left, y, left + wide + 2, y + high + 1), fill=colour)
    pencil.text((left + 1, y), text, fill="white")
