"""The contact sheet, read back pixel by pixel."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sonde.cli.contact_sheet import CAPTION, GAP, MOST, TILE, write_sheet
from sonde.core.errors import DataError


def pixels_of(sheet: Path) -> np.ndarray:
    with Image.open(sheet) as picture:
        return np.asarray(picture)


def tile(sheet: Path, column: int, row: int) -> np.ndarray:
    pixels = pixels_of(sheet)
    x, y = GAP + column * (TILE + GAP), GAP + row * (TILE + CAPTION + GAP)
    return pixels[y : y + TILE, x : x + TILE]


def test_each_picture_stands_in_its_place_above_its_caption(tmp_path: Path) -> None:
    found = []
    for number, colour in enumerate(((250, 0, 0), (0, 250, 0), (0, 0, 250))):
        path = tmp_path / f"{number}.png"
        Image.new("RGB", (10, 10), colour).save(path)
        found.append({"input": str(path), "prediction": "x", "probability": 0.5})
    write_sheet(tmp_path / "sheet.png", found)
    sheet = tmp_path / "sheet.png"
    assert pixels_of(sheet).shape == (GAP + 2 * (TILE + CAPTION + GAP), GAP + 2 * (TILE + GAP), 3)
    for number in range(3):
        middle = tile(sheet, number % 2, number // 2)[TILE // 2, TILE // 2]
        assert middle.tolist() == [250 if place == number else 0 for place in range(3)]
    assert (tile(sheet, 1, 1) == 255).all()  # the fourth place is empty
    assert (pixels_of(sheet)[GAP + TILE : GAP + TILE + CAPTION, GAP : GAP + TILE] < 128).any()


def test_small_pictures_grow_by_whole_pixels_and_large_ones_shrink(tmp_path: Path) -> None:
    checks = np.indices((8, 8)).sum(0) % 2 * 255
    Image.fromarray(checks.astype(np.uint8)).save(tmp_path / "small.png")
    Image.new("L", (900, 300), 100).save(tmp_path / "large.png")
    write_sheet(tmp_path / "s.png", [{"input": tmp_path / n, "prediction": 1} for n in ("small.png", "large.png")])
    assert (tile(tmp_path / "s.png", 0, 0)[::16, ::16, 0] == checks).all()
    large = tile(tmp_path / "s.png", 1, 0)[..., 0]
    rows = np.flatnonzero((abs(large.astype(int) - 100) < 2).all(1))
    assert len(rows) in (42, 43)  # 128 x 43 of 900 x 300


def test_sixteen_bits_a_pixel_are_not_cut_off(tmp_path: Path) -> None:
    Image.fromarray(np.full((16, 16), 0x4000, np.uint16)).save(tmp_path / "deep.png")
    write_sheet(tmp_path / "s.png", [{"input": tmp_path / "deep.png", "prediction": "x"}])
    assert tile(tmp_path / "s.png", 0, 0)[50, 50].tolist() == [0x40] * 3


def test_long_and_foreign_names_do_not_break_it(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "a.png")
    write_sheet(tmp_path / "s.png", [{"input": tmp_path / "a.png", "prediction": "ねこ" * 100}])
    column = pixels_of(tmp_path / "s.png")[:, -GAP:]
    assert (column == 255).all()  # nothing runs over the edge


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(DataError, match=r"cannot show .*a\.png on a contact sheet: cannot identify"):
        write_sheet(tmp_path / "s.png", [{"input": tmp_path / "a.png", "prediction": 1}])


def test_there_is_an_end_to_a_sheet(tmp_path: Path) -> None:
    Image.new("L", (2, 2)).save(tmp_path / "a.png")
    write_sheet(tmp_path / "s.png", [{"input": tmp_path / "a.png", "prediction": 1}] * (MOST + 50))
    across = int(MOST**0.5)
    assert pixels_of(tmp_path / "s.png").shape[:2] == (
        GAP + across * (TILE + CAPTION + GAP),
        GAP + across * (TILE + GAP),
    )
