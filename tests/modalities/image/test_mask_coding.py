"""What masks mean that are not written as class numbers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from sonde.core.dataset import IGNORED
from sonde.core.errors import DataError
from sonde.modalities.image.mask_coding import Coding, infer_coding, known_coding
from sonde.modalities.image.mask_files import MaskFiles
from sonde.modalities.image.mask_names import class_names, colour_names

PLACES = np.zeros((32, 32), np.uint8)
PLACES[2:14, 3:12] = 1
PLACES[16:30, 10:28] = 2


def saved(folder: Path, values: np.ndarray, name: str = "a.png", **how: Any) -> list[Path]:
    Image.fromarray(values).save(folder / name, **how)
    return [folder / name]


def read(coding: Coding, file: Path) -> np.ndarray:
    return MaskFiles(file.parent, ((file.name,),), coding, coding.classes).read(0).classes


@pytest.mark.parametrize("levels", [(0, 127, 255), (0, 191, 255), (0, 128, 200), (50, 100, 150)])
def test_grey_levels_far_apart_are_classes(levels: tuple[int, ...], tmp_path: Path) -> None:
    files = saved(tmp_path, np.array(levels, np.uint8)[PLACES])
    coding = infer_coding(files)
    assert (coding.kind, coding.classes, coding.table) == ("levels", 3, levels)
    assert coding.notes[0].startswith(f"masks hold grey levels {', '.join(map(str, levels))}: read as 3 classes")
    assert (read(coding, files[0]) == PLACES).all()
    if levels[0] == 0:
        known = known_coding(coding.names)
        assert known is not None
        assert (read(known, files[0]) == PLACES).all()


@pytest.mark.parametrize("numbers", [(0, 1, 2), (0, 3, 7), (0, 1, IGNORED), (0, 15, IGNORED), (0, 17, 34)])
def test_numbers_of_classes_stay_so(numbers: tuple[int, ...], tmp_path: Path) -> None:
    files = saved(tmp_path, np.array(numbers, np.uint8)[PLACES])
    coding = infer_coding(files)
    assert coding.kind == "classes"
    assert (read(coding, files[0]) == np.array(numbers)[PLACES]).all()
    assert not coding.notes


def test_one_level_is_foreground(tmp_path: Path) -> None:
    files = saved(tmp_path, np.array((0, 128, 128), np.uint8)[PLACES])
    coding = infer_coding(files)
    assert (coding.kind, coding.classes) == ("binary", 2)
    assert (read(coding, files[0]) == (PLACES > 0)).all()


@pytest.mark.parametrize("top", [255, 150])
def test_smooth_edges_are_cut_in_the_middle(top: int, tmp_path: Path) -> None:
    sharp = Image.fromarray(np.uint8(top) * (PLACES > 0).astype(np.uint8))
    sharp.filter(ImageFilter.GaussianBlur(1)).save(tmp_path / "a.png")
    coding = infer_coding([tmp_path / "a.png"])
    assert (coding.kind, coding.classes) == ("binary", 2)
    assert coding.notes[0].endswith(f"with foreground from level {128 if top == 255 else 76} on")
    found = read(coding, tmp_path / "a.png")
    assert (found != (PLACES > 0)).mean() < 0.02  # corners


def test_smooth_edges_between_three_levels_are_refused(tmp_path: Path) -> None:
    sharp = Image.fromarray(np.array([0, 127, 255], np.uint8)[PLACES])
    sharp.filter(ImageFilter.GaussianBlur(1)).save(tmp_path / "a.png")
    with pytest.raises(
        DataError, match=r"grey levels, such as .*a.png, which are not class numbers; save them without smoothing"
    ):
        infer_coding([tmp_path / "a.png"])


def test_jpeg_of_three_levels_is_refused_and_of_two_is_cut_between(tmp_path: Path) -> None:
    three = saved(tmp_path, np.array([0, 120, 240], np.uint8)[PLACES], "a.jpg")
    with pytest.raises(
        DataError, match=r"a.jpg are JPEG of 3 grey levels, about 0, 1\d\d, 2\d\d, .*; save them as PNG"
    ):
        infer_coding(three)
    two = saved(tmp_path, np.array([0, 100, 100], np.uint8)[PLACES], "b.jpg")
    coding = infer_coding(two)
    assert "JPEG of grey levels about 0 and 1" in coding.notes[0] or "about 0 and 9" in coding.notes[0]
    assert (read(coding, two[0]) == (PLACES > 0)).all()


def palette_mask(path: Path, colours: list[tuple[int, int, int]], places: np.ndarray) -> Path:
    image = Image.fromarray(places)
    image = image.convert("P") if image.mode != "P" else image
    image.putdata(places.ravel().tolist())
    image.putpalette([value for colour in colours for value in colour])
    image.save(path)
    return path


RED, GREEN, BLACK = (128, 0, 0), (0, 128, 0), (0, 0, 0)


def test_palettes_that_differ_are_read_by_colour(tmp_path: Path) -> None:
    one = palette_mask(tmp_path / "1.png", [BLACK, RED, GREEN], PLACES)
    two = palette_mask(tmp_path / "2.png", [GREEN, BLACK, RED], np.array([1, 2, 0], np.uint8)[PLACES])
    assert infer_coding([one]).kind == "classes"  # one palette: numbers, as Pascal VOC has them
    coding = infer_coding([one, two])
    assert coding.names == ("background", "#008000", "#800000")
    expected = np.array([0, 2, 1])[PLACES]
    assert (read(coding, one) == expected).all()
    assert (read(coding, two) == expected).all()
    assert coding.notes[0].startswith("palettes differ from file to file: each colour is read as a class")
    assert known_coding(coding.names) is not None


def test_colours_are_classes_by_a_list_or_by_themselves(tmp_path: Path) -> None:
    files = saved(tmp_path, np.array([BLACK, RED, GREEN], np.uint8)[PLACES])
    (tmp_path / "class_dict.csv").write_text("name,r,g,b\nvoid,0,0,0\nroof,128,0,0\ntree,0,128,0\ncar,9,9,9\n")
    coding = infer_coding(files, colours=colour_names(tmp_path))
    assert (coding.names, coding.notes) == (("void", "roof", "tree", "car"), ())
    assert (read(coding, files[0]) == PLACES).all()
    assert infer_coding(files).names == ("background", "#008000", "#800000")
    with pytest.raises(DataError, match=r"hold colours that no class has, #800000; add them to the list"):
        infer_coding(files, colours={"void": 0, "tree": 0x8000})
    saved(tmp_path, np.full((4, 4, 3), 7, np.uint8) * np.array([1, 2, 3], np.uint8), "b.png")
    with pytest.raises(DataError, match=r"b.png holds the colour #070e15, which no class has; fix the mask"):
        read(coding, tmp_path / "b.png")


def test_transparency_alone_is_a_mask(tmp_path: Path) -> None:
    clear = np.zeros((32, 32, 4), np.uint8)
    clear[..., 3] = 255 * (PLACES > 0)
    files = saved(tmp_path, clear)
    coding = infer_coding(files)
    assert coding.kind == "binary"
    assert (read(coding, files[0]) == (PLACES > 0)).all()


def test_lists_of_colours_by_other_programs(tmp_path: Path) -> None:
    (tmp_path / "label_colors.txt").write_text("64 128 64\tAnimal\n0 0 0\t\tVoid sky\n")
    assert colour_names(tmp_path) == {"Animal": 0x408040, "Void sky": 0}
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:0,0,0::\nroad 1:128,64,128::\n")
    with pytest.raises(
        DataError, match=r"labelmap.txt line 3 is not a class with its colour; write it like roof,128,0,0"
    ):
        colour_names(tmp_path)
    (tmp_path / "labelmap.txt").write_text("# label:color_rgb:parts:actions\nbackground:0,0,0::\nroad:128,64,128::\n")
    assert colour_names(tmp_path) == {"background": 0, "road": 0x804080}
    (tmp_path / "labelmap.txt").write_text("a:0,0,0::\nb:0,0,0::\n")
    with pytest.raises(DataError, match=r"a and b have the same colour #000000; give each its own"):
        colour_names(tmp_path)


def test_roboflows_list_of_values(tmp_path: Path) -> None:
    (tmp_path / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, leaf\n")
    assert class_names(tmp_path)[0] == ["background", "leaf"]
