"""Images that are fitted, not stretched; and the one size they are stored at."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sonde.core.errors import DataError
from sonde.core.letterbox import GREY
from sonde.modalities.image.letterboxed import LetterboxedInputs, room_for
from sonde.modalities.image.rows import Files


def test_an_image_keeps_its_proportions_and_grey_fills_the_rest(tmp_path: Path):
    Image.new("RGB", (80, 40), (200, 10, 10)).save(tmp_path / "wide.png")
    Image.new("L", (20, 80), 30).save(tmp_path / "tall.png")
    inputs = LetterboxedInputs(Files(tmp_path, ("wide.png", "tall.png")), (3, 32, 32))
    found = inputs.read(np.array([1, 0]))
    assert found.shape == (2, 3, 32, 32)
    assert (found[0, :, :, :8] == 30).all()
    assert (found[0, :, :, 8:] == GREY).all()
    assert (found[1, :, :16] == np.array([200, 10, 10])[:, None, None]).all()
    assert (found[1, :, 16:] == GREY).all()
    assert pickle.loads(pickle.dumps(inputs)).describe(1) == "tall.png"
    assert inputs.nbytes() == 2 * 3 * 32 * 32


def test_a_large_jpeg_is_placed_as_its_header_says(tmp_path: Path):
    Image.new("RGB", (2001, 1333), (200, 200, 200)).save(tmp_path / "large.jpg")  # decoded at an eighth: 251 x 167
    found = LetterboxedInputs(Files(tmp_path, ("large.jpg",)), (3, 96, 96)).read(np.array([0]))[0, 0]
    assert (np.abs(found[:64].astype(int) - 200) < 3).all()  # 96 * 1333 / 2001 = 63.95
    assert (found[64:] == GREY).all()


def test_a_file_that_is_no_image_is_named(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match="a.png cannot be read as an image"):
        LetterboxedInputs(Files(tmp_path, ("a.png",)), (3, 32, 32)).read(np.array([0]))


@pytest.mark.parametrize(
    ("sizes", "asked", "expected"),
    [
        ([(480, 640)], None, (256, 320)),
        ([(480, 640)], 640, (480, 640)),
        ([(480, 640)], 100, (96, 128)),
        ([(50, 40)], None, (64, 64)),
        ([(1000, 10)], None, (320, 32)),
        ([(480, 640), (640, 480), (480, 640)], None, (256, 320)),
    ],
)
def test_the_stored_size_has_the_middles_proportions_in_whole_cells(
    sizes: list[tuple[int, int]], asked: int | None, expected: tuple[int, int]
):
    height, width, why = room_for(sizes, asked)
    assert (height, width) == expected
    assert ("in the middle" in why) == (len(set(sizes)) > 1)
    assert "--image-size" in why
