"""Images beside a report's cases."""

from pathlib import Path

import numpy as np

from sonde.core.pixel_bytes import as_bytes
from sonde.modalities.modality import Case

WIDEST = 480  # pixels of a saved picture
HEAVY = 60_000  # bytes; of a picture above it 64 colours are kept, or a report could not hold them all


def show(case: Case) -> dict[str, str]:
    """The row's image as a PNG, with what a task drew on it."""
    pixels = as_bytes(case.rows.read(np.array([case.index]))["input"][0])  # (C, H, W) uint8
    save_png(case.file(".png"), pixels if case.draw is None else case.draw(pixels))
    return {"picture": f"{case.stem}.png"}


def save_png(path: Path, pixels: np.ndarray) -> None:
    """Write (C, H, W) uint8 as a PNG, enlarged by whole pixels to about 64 or reduced to `WIDEST`; of bands the first three."""
    from PIL import Image

    if pixels.shape[0] not in (1, 3, 4):
        pixels = pixels[:3] if pixels.shape[0] > 3 else pixels[:1]
    picture = np.ascontiguousarray(pixels[0] if pixels.shape[0] == 1 else pixels.transpose(1, 2, 0))
    image = Image.fromarray(picture)
    factor = max(1, 64 // max(image.size))
    image = image.resize((image.width * factor, image.height * factor), Image.Resampling.NEAREST)
    image.thumbnail((WIDEST, WIDEST))
    image.save(path)
    if path.stat().st_size > HEAVY:
        image.quantize(64).save(path)
