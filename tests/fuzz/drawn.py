"""Small images of noise, for the examples."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

DRAW = np.random.default_rng(0)


def noise(shade: int) -> Image.Image:
    """(12, 12) pixels in colour that differ by up to 60 from a shade."""
    return Image.fromarray(DRAW.integers(0, 60, (12, 12, 3), dtype=np.uint8) + np.uint8(shade))


def picture(file: Path, shade: int, mode: str = "RGB", **how: Any) -> None:
    """Write one, in folders that are made."""
    file.parent.mkdir(parents=True, exist_ok=True)
    noise(shade).convert(mode).save(file, **how)
