"""Many small pictures in one file, for a page that must stay small."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sonde.core.pixel_bytes import as_bytes

if TYPE_CHECKING:
    from PIL import Image

TILE = 52  # pixels of a patch's longer side, about
GAP = 3
WHOLE = 3  # times: what grows by less would leave uneven strips, and is smoothed
COLOURS = 64  # of a file with colour: a third of the bytes, and hardly to be seen at this size
FRAME = "#c0c0c0"  # around each, or white ones would run together


def write_grid(path: Path, pictures: Sequence[np.ndarray], *, across: int, tile: int = TILE) -> None:
    """Write (C, h, w) uint8 or float32 pictures as a PNG in rows of `across`, each fitted into a framed square of `tile` pixels.

    Of images with other than 1 or 3 channels the first three are drawn, or the first.
    Tiny ones grow by whole pixels, so that nothing is smoothed into them that is not there.
    """
    from PIL import Image, ImageDraw

    pictures = [as_bytes(picture[: 3 if len(picture) > 2 else 1]) for picture in pictures]
    mode = "RGB" if len(pictures[0]) == 3 else "L"
    down = -(-len(pictures) // across)
    across = min(across, len(pictures))
    fitted = [_fitted(picture, tile) for picture in pictures]
    cell = max(max(one.size) for one in fitted) + GAP
    sheet = Image.new("L", (across * cell - GAP + 2, down * cell - GAP + 2), "white").convert(mode)
    draw = ImageDraw.Draw(sheet)
    for place, one in enumerate(fitted):
        x = 1 + place % across * cell + (cell - GAP - one.width) // 2
        y = 1 + place // across * cell + (cell - GAP - one.height) // 2
        draw.rectangle((x - 1, y - 1, x + one.width, y + one.height), outline=FRAME)
        sheet.paste(one, (x, y))
    (sheet.quantize(COLOURS) if mode == "RGB" else sheet).save(path, optimize=True)


def _fitted(picture: np.ndarray, tile: int) -> "Image.Image":
    from PIL import Image

    planes = picture[0] if len(picture) == 1 else picture.transpose(1, 2, 0)
    image = Image.fromarray(np.ascontiguousarray(planes))
    factor = tile // max(image.size)
    if factor >= WHOLE:
        return image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    scale = tile / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.BICUBIC)
