from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sonde.cli.sample import _latent, mask_of
from sonde.core.errors import ConfigError, DataError


def test_a_mask_is_white_where_it_says_so_in_grey_and_in_equal_colours(tmp_path: Path) -> None:
    white = np.zeros((2, 3), np.uint8)
    white[:, 2] = 255
    for name, mode in (("grey", "L"), ("equal", "RGB"), ("bits", "1")):
        Image.fromarray(white).convert(mode).save(tmp_path / f"{name}.png")
        np.testing.assert_array_equal(mask_of(tmp_path / f"{name}.png", height=2, width=3), white == 255)


def test_a_mask_of_another_size_or_in_colour_is_refused(tmp_path: Path) -> None:
    Image.new("L", (31, 45)).save(tmp_path / "large.png")
    with pytest.raises(ConfigError, match="large.png has 31x45 pixels, and samples have 8x8; draw it in that size"):
        mask_of(tmp_path / "large.png", height=8, width=8)
    Image.new("RGB", (8, 8), (255, 255, 254)).save(tmp_path / "red.png")
    with pytest.raises(ConfigError, match="red.png is in colour; draw it white where"):
        mask_of(tmp_path / "red.png", height=8, width=8)


def test_codes_are_read_from_npy_files_alone(tmp_path: Path) -> None:
    np.save(tmp_path / "codes.npy", np.arange(6).reshape(2, 3))
    found = _latent(tmp_path / "codes.npy")
    assert found is not None
    assert found.tolist() == [[0, 1, 2], [3, 4, 5]]
    (tmp_path / "x.csv").write_text("1,2\n")
    with pytest.raises(
        DataError, match="x.csv is no .npy file; write codes with sonde predict RUN DATA --what latent --out c"
    ):
        _latent(tmp_path / "x.csv")
    np.save(tmp_path / "words.npy", np.array(["a"]))
    with pytest.raises(DataError, match="words.npy holds no numbers"):
        _latent(tmp_path / "words.npy")
    with pytest.raises(DataError, match="cannot be read as an array of numbers: No such file"):
        _latent(tmp_path / "absent.npy")
