"""Pictures with boxes on them, each with its name and score in a colour of its class."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from PIL import Image

# told apart by most people with weak colour vision too (Okabe and Ito 2008, Color universal design), black left out
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")
LINE = 400  # pixels of the longer side to a pixel of line width


def drawn(
    pixels: np.ndarray,
    objects: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    *,
    truth: Sequence[Mapping[str, Any]] = (),
) -> np.ndarray:
    """(C, H, W) uint8, grey or RGB, and boxes in its pixels -> (3, H, W) uint8 with them on it, `truth` in white below."""
    from PIL import Image

    planes = pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)
    image = draw(Image.fromarray(np.ascontiguousarray(planes)), objects, names, truth=truth)
    return np.asarray(image).transpose(2, 0, 1)


def draw(
    image: "Image.Image",
    objects: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    *,
    truth: Sequence[Mapping[str, Any]] = (),
) -> "Image.Image":
    """A copy in RGB with each object's box, name and, where it has one, score; the surest on top.

    objects, truth: dicts with "name", "box" (left, top, right, bottom in pixels) and perhaps "score"
    names: all classes, whose order gives the colours
    """
    from PIL import ImageDraw

    picture = image.convert("RGB")
    pencil = ImageDraw.Draw(picture)
    width = max(1, round(max(picture.size) / LINE))
    for entry in truth:
        pencil.rectangle(_corners(entry["box"]), outline="white", width=width + 1)
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
