"""Floats as grey levels."""

import numpy as np

from sonde.core.pixel_bytes import as_bytes


def test_white_is_1_or_what_is_brightest() -> None:
    assert as_bytes(np.array([-0.5, 0.5, 1.0], np.float32)).tolist() == [0, 128, 255]
    assert as_bytes(np.array([0.0, 1.0, 2.0], np.float32)).tolist() == [0, 128, 255]


def test_bytes_stay_as_they_are() -> None:
    pixels = np.array([0, 7], np.uint8)
    assert as_bytes(pixels) is pixels
