import numpy as np
from scipy import ndimage

from sonde.core.class_maps import outlined

CLASSES = np.zeros((9, 12), np.uint8)
CLASSES[2:7, 1:6], CLASSES[3:8, 7:11], CLASSES[0, 11] = 1, 2, 255


def test_outlines_are_where_neighbours_differ() -> None:
    same = np.stack([ndimage.shift(CLASSES, move, mode="nearest") for move in ((0, 1), (0, -1), (1, 0), (-1, 0))])
    assert outlined(CLASSES).tolist() == (same != CLASSES).any(0).tolist()
