"""Pictures with what was found on them: where they go and what is never written over."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sonde.cli.pictures import check_folder, is_folder, write_pictures
from sonde.core.errors import ConfigError, DataError


def inverted(pixels: np.ndarray, case: Mapping[str, Any]) -> np.ndarray:
    """The negative."""
    return 255 - np.broadcast_to(pixels, (3, *pixels.shape[1:]))


def picture(path: Path, mode: str = "RGB") -> dict[str, Any]:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (9, 7), 0).save(path)
    return {"input": str(path)}


def test_each_keeps_its_name_and_size_and_a_second_one_gets_a_number(tmp_path: Path):
    found = [picture(tmp_path / "a" / "x.png", "L"), picture(tmp_path / "b" / "x.png"), picture(tmp_path / "y.bmp")]
    write_pictures(tmp_path / "out", found, inverted)
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["x-2.png", "x.png", "y.png"]
    with Image.open(tmp_path / "out" / "x.png") as written:
        assert (written.size, written.getpixel((3, 3))) == ((9, 7), (255, 255, 255))


def test_an_input_is_never_written_over(tmp_path: Path):
    found = [picture(tmp_path / "x.jpg")]
    before = (tmp_path / "x.jpg").read_bytes()
    with pytest.raises(DataError, match=r"contains x.jpg itself, which would be overwritten; name another folder"):
        write_pictures(tmp_path, found, inverted)
    assert (tmp_path / "x.jpg").read_bytes() == before


def test_what_is_no_file_cannot_be_drawn_on(tmp_path: Path):
    with pytest.raises(
        DataError, match="image 3 is not a file, so predictions cannot be drawn on it; use .csv or .json"
    ):
        write_pictures(tmp_path / "out", [{"input": "image 3"}], inverted)


def test_a_folder_is_told_from_a_file(tmp_path: Path):
    (tmp_path / "v1.2").mkdir()
    assert is_folder(str(tmp_path / "v1.2"))
    assert is_folder("new.folder/")
    assert not is_folder("sheet.png")


def test_a_folder_that_cannot_be_made_is_known_at_once(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file is a file; name a folder, or a file that ends in .csv, .json or .png"):
        check_folder(tmp_path / "file")
    with pytest.raises(ConfigError, match="there is no folder .*nowhere"):
        check_folder(tmp_path / "nowhere" / "out")
