"""A contact sheet: a grid of images, each with its prediction."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sonde.core.errors import DataError
from sonde.core.units import share

if TYPE_CHECKING:
    from PIL import Image

TILE = 128  # pixels a picture is fitted into
CAPTION = 30  # pixels below it: two lines
GAP = 8
MOST = 400  # pictures on one sheet


def write_sheet(path: Path, found: Sequence[Mapping[str, Any]]) -> None:
    """Draw `found` (dicts with "input", "prediction" and perhaps "probability") to a PNG, at most 400 of them.

    Raises: DataError for an input that is no picture file, OSError
    """
    from PIL import Image, ImageDraw

    shown = found[:MOST]
    across = max(1, math.ceil(math.sqrt(len(shown))))
    down = math.ceil(len(shown) / across)
    step_x, step_y = TILE + GAP, TILE + CAPTION + GAP
    sheet = Image.new("RGB", (GAP + across * step_x, GAP + down * step_y), "white")
    draw = ImageDraw.Draw(sheet)
    for place, entry in enumerate(shown):
        x, y = GAP + place % across * step_x, GAP + place // across * step_y
        picture = _thumbnail(Path(str(entry["input"])))
        sheet.paste(picture, (x + (TILE - picture.width) // 2, y + (TILE - picture.height) // 2))
        for line, text in enumerate(captions(entry)):
            draw.text((x, y + TILE + 2 + line * CAPTION // 2), fitting(draw, text), fill="black")
    sheet.save(path)


def captions(entry: Mapping[str, Any]) -> list[str]:
    """The two lines below a picture.

    >>> captions({"input": "a/seven.png", "prediction": "7", "probability": 0.98})
    ['7  98 %', 'seven.png']
    """
    probability = entry.get("probability")
    sure = f"  {share(probability, 0)}" if isinstance(probability, float) else ""
    return [f"{entry['prediction']}{sure}", Path(str(entry["input"])).name]


def fitting(draw: Any, text: str, width: int = TILE) -> str:
    """`text` cut to so many pixels."""
    if draw.textlength(text) <= width:
        return text
    while text and draw.textlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _thumbnail(path: Path) -> "Image.Image":
    """The picture upright, in colour, enlarged by whole pixels or reduced to fit a tile."""
    from PIL import Image, ImageOps

    from sonde.modalities.image.files import opened_image

    try:
        with opened_image(path) as opened:
            picture = ImageOps.exif_transpose(opened)
            if picture.mode.startswith("I"):  # 16 bits a pixel, which convert would cut off at 255
                picture = picture.point(lambda value: value / 256).convert("L")
            picture = picture.convert("RGB")
    except OSError as error:
        raise DataError(f"cannot show {path} on a contact sheet: {error}") from None
    factor = TILE // max(picture.size)
    if factor >= 1:
        return picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    picture.thumbnail((TILE, TILE))
    return picture
