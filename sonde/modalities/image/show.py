"""Images beside a report's cases."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sonde.core.pixel_bytes import as_bytes
from sonde.modalities.modality import Case

if TYPE_CHECKING:
    from PIL import Image

WIDEST = 480  # pixels of a saved picture
HEAVY = 60_000  # bytes; a picture above it is written as a JPEG, or a report could not hold them all
QUALITIES = (85, 70, 50, 30)


def show(case: Case) -> dict[str, Any]:
    """The row's image as a file, and its size, which places in it are counted in."""
    pixels = as_bytes(case.rows.read(np.array([case.index]))["input"][0])  # (C, H, W) uint8
    path = save_picture(case.file(".png"), pixels)
    return {"picture": f"{case.stem}{path.suffix}", "size": list(pixels.shape[1:])}


def save_picture(path: Path, pixels: np.ndarray) -> Path:
    """Write (C, H, W) uint8 as a PNG or, where that is heavy, as a JPEG beside it; the file that was written."""
    image = save_png(path, pixels)
    if path.stat().st_size <= HEAVY or image.mode not in ("L", "RGB"):
        return path
    path.unlink()
    path = path.with_suffix(".jpg")
    for quality in QUALITIES:
        image.save(path, quality=quality)
        if path.stat().st_size <= HEAVY:
            break
    return path


def save_png(path: Path, pixels: np.ndarray) -> "Image.Image":
    """Write (C, H, W) uint8 as a PNG, reduced to `WIDEST`; of bands the first three. The image that was written."""
    from PIL import Image

    if pixels.shape[0] not in (1, 3, 4):
        pixels = pixels[:3] if pixels.shape[0] > 3 else pixels[:1]
    picture = np.ascontiguousarray(pixels[0] if pixels.shape[0] == 1 else pixels.transpose(1, 2, 0))
    image = Image.fromarray(picture)
    image.thumbnail((WIDEST, WIDEST))
    image.save(path, optimize=True)
    return image
