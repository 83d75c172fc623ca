import numpy as np
from scipy import ndimage

from sonde.core.dataset import BACKGROUND, IGNORED
from sonde.tasks.segmentation.drawing import GAP, PALETTE, outlined, painted, side_by_side

CLASSES = np.zeros((9, 12), np.uint8)
CLASSES[2:7, 1:6], CLASSES[3:8, 7:11], CLASSES[0, 11] = 1, 2, IGNORED


def test_outlines_are_where_neighbours_differ() -> None:
    same = np.stack([ndimage.shift(CLASSES, move, mode="nearest") for move in ((0, 1), (0, -1), (1, 0), (-1, 0))])
    assert outlined(CLASSES).tolist() == (same != CLASSES).any(0).tolist()


def test_background_stays_and_every_class_has_its_colour() -> None:
    grey = np.full((1, 9, 12), 90, np.uint8)
    drawn = painted(grey, CLASSES, (BACKGROUND, "a", "b"))
    assert drawn.shape == (3, 9, 12)
    assert (drawn[:, CLASSES == 0] == 90).all()
    assert drawn[:, 2, 1].tolist() == PALETTE[1].tolist()  # on the outline
    inside = drawn[:, 4, 3].astype(float)
    share = (inside - 90) / (PALETTE[1] - 90)
    assert np.allclose(share, share[0], atol=0.02)
    assert 0.3 < share[0] < 0.6
    assert drawn[:, 0, 11].tolist() == [128, 128, 128]


def test_a_first_class_that_is_no_background_is_painted_too() -> None:
    drawn = painted(np.zeros((3, 9, 12), np.uint8), CLASSES, ("sky", "a", "b"))
    assert (drawn[:, CLASSES == 0].max(0) > 0).all()


def test_pictures_stand_side_by_side() -> None:
    grey, red = np.full((1, 4, 5), 7, np.uint8), np.zeros((3, 4, 5), np.uint8)
    red[0] = 255
    row = side_by_side([grey, red, grey])
    assert row.shape == (3, 4, 15 + 2 * GAP)
    assert (row[:, :, :5] == 7).all()
    assert (row[:, :, 5 : 5 + GAP] == 255).all()
    assert (row[:, :, 5 + GAP : 10 + GAP] == red).all()
