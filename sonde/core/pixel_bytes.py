"""Pictures whose pixels are floats, to be looked at. Free of torch."""

import numpy as np


def as_bytes(pixels: np.ndarray) -> np.ndarray:
    """Images of float32 as uint8, to be looked at: 1.0 is white, or what is brightest where that is more."""
    if pixels.dtype == np.uint8:
        return pixels
    return np.rint(np.clip(pixels / max(1.0, float(pixels.max(initial=0))), 0, 1) * 255).astype(np.uint8)
