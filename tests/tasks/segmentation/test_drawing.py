import numpy as np

from sonde.core.dataset import BACKGROUND, IGNORED
from sonde.tasks.segmentation.drawing import PALETTE, painted

CLASSES = np.zeros((9, 12), np.uint8)
CLASSES[2:7, 1:6], CLASSES[3:8, 7:11], CLASSES[0, 11] = 1, 2, IGNORED


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
