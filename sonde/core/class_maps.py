"""Maps of classes: their colours and outlines. Free of torch."""

import numpy as np

# told apart by most people with weak colour vision too (Okabe and Ito 2008, Color universal design), black left out
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442")


def outlined(classes: np.ndarray) -> np.ndarray:
    """(H, W) bool: pixels with another class to their left, right, above or below."""
    found: np.ndarray = np.zeros(classes.shape, bool)
    across, down = classes[:, 1:] != classes[:, :-1], classes[1:] != classes[:-1]
    found[:, 1:] |= across
    found[:, :-1] |= across
    found[1:] |= down
    found[:-1] |= down
    return found
