"""Grids of small pictures, read back pixel by pixel."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sonde.explain.pictures import GAP, write_grid


def test_each_tiny_picture_stands_in_its_place_grown_by_whole_pixels(tmp_path: Path):
    pictures = [np.full((1, 2, 2), value, np.uint8) for value in (0, 100, 200)]
    pictures[1][0, 0, 1] = 50
    write_grid(tmp_path / "g.png", pictures, across=2, tile=9)  # four times, and a pixel is left over
    with Image.open(tmp_path / "g.png") as image:
        pixels = np.asarray(image)
    cell = 8 + GAP
    assert pixels.shape == (2 * cell - GAP + 2, 2 * cell - GAP + 2)
    assert (pixels[:10, [0, 9]] == 192).all()  # framed
    assert (pixels[[0, 9], :10] == 192).all()
    pixels = pixels[1:-1, 1:-1]
    assert (pixels[:8, :8] == 0).all()
    second = pixels[:8, cell : cell + 8]
    assert (second[:4, 4:] == 50).all()
    assert (second[4:] == 100).all()
    assert (pixels[cell:, :8] == 200).all()
    assert (pixels[cell + 1 :, cell + 1 :] == 255).all()  # nothing stands there


def test_large_pictures_are_reduced_and_narrow_ones_stand_in_the_middle(tmp_path: Path):
    wide = np.zeros((3, 20, 100), np.uint8)
    wide[0] = 255
    write_grid(tmp_path / "g.png", [wide, np.zeros((3, 100, 100), np.uint8)], across=6, tile=50)
    with Image.open(tmp_path / "g.png") as image:
        pixels = np.asarray(image.convert("RGB"))
    assert pixels.shape == (50 + 2, 100 + GAP + 2, 3)
    pixels = pixels[1:-1, 1:-1]
    assert pixels[25, 25].tolist() == [255, 0, 0]
    assert pixels[5, 25].tolist() == [255, 255, 255]
    assert pixels[25, 50 + GAP + 25].tolist() == [0, 0, 0]


def test_what_is_hardly_smaller_fills_its_tile_too(tmp_path: Path):
    write_grid(tmp_path / "g.png", [np.full((1, 29, 20), 90, np.uint8)], across=6, tile=52)
    with Image.open(tmp_path / "g.png") as image:
        assert image.size == (54, 54)
        assert image.getpixel((27, 52)) == 90


@pytest.mark.parametrize(("channels", "most"), [(1, 20_000), (3, 18_000)])
def test_a_strip_of_noise_stays_small(tmp_path: Path, channels: int, most: int):
    noise = np.random.default_rng(0).integers(0, 256, (6, channels, 52, 52), dtype=np.uint8)
    write_grid(tmp_path / "g.png", list(noise), across=6)
    assert (tmp_path / "g.png").stat().st_size < most


@pytest.mark.parametrize(("bands", "drawn"), [(13, 3), (4, 3), (2, 1)])
def test_of_many_bands_the_first_are_drawn(tmp_path: Path, bands: int, drawn: int):
    picture = np.stack([np.full((4, 4), 20 * band, np.uint8) for band in range(bands)])
    write_grid(tmp_path / "g.png", [picture], across=1, tile=4)
    with Image.open(tmp_path / "g.png") as image:
        middle = np.asarray(image.convert("RGB"))[3, 3]
    assert middle.tolist() == [0, 20, 40] if drawn == 3 else [0, 0, 0]


def test_floats_are_drawn_as_grey_levels(tmp_path: Path):
    write_grid(tmp_path / "g.png", [np.full((3, 4, 4), 0.5, np.float32)], across=1, tile=4)
    with Image.open(tmp_path / "g.png") as image:
        assert np.asarray(image.convert("RGB"))[3, 3].tolist() == [128, 128, 128]
