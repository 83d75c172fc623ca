"""Pictures with class maps laid over them, each class in a colour of its own."""

from collections.abc import Sequence

import numpy as np

from sonde.core.class_maps import COLOURS, outlined
from sonde.core.dataset import BACKGROUND, IGNORED

OPACITY = 0.45  # how much of the colour covers the picture
PALETTE = np.array([[int(colour[place : place + 2], 16) for place in (1, 3, 5)] for colour in COLOURS], np.float64)


def painted(pixels: np.ndarray, classes: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """(C, H, W) uint8, grey or RGB, under its class map (H, W) -> (3, H, W) uint8.

    Inside, the colour lies over the picture; the outline of each area has it pure. Background stays, ignored pixels go grey.
    """
    picture = np.broadcast_to(pixels, (3, *classes.shape)).astype(np.float64)
    colour, covered = np.full((*classes.shape, 3), 128.0), classes == IGNORED
    for number in range(names[0] == BACKGROUND, len(names)):
        there = classes == number
        colour[there] = PALETTE[number % len(PALETTE)]
        covered = covered | there
    share = np.where(outlined(classes), 1.0, OPACITY) * covered
    return np.rint(picture * (1 - share) + colour.transpose(2, 0, 1) * share).astype(np.uint8)
