"""Mask files of every kind, and those that cannot be used."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sample_masks import discs, written

from sonde.core.dataset import IGNORED
from sonde.core.errors import DataError
from sonde.modalities.image.mask_coding import Coding, infer_coding
from sonde.modalities.image.mask_files import ChosenMasks, MaskFiles, ObjectFiles, read_values, resized


def save(path: Path, values: np.ndarray) -> Path:
    Image.fromarray(values).save(path)
    return path


def kind_of(*files: Path, skip: bool = False) -> tuple[str, int]:
    coding = infer_coding(files, skip=skip)
    assert not coding.notes
    return coding.kind, coding.classes


OBJECTS = discs(3, 0)
CLASSES = Coding(kind="classes")


@pytest.mark.parametrize(
    ("kind", "coding", "classes"),
    [("binary", "binary", 2), ("classes", "classes", 3), ("palette", "classes", 3), ("objects", "objects", 2)],
)
def test_every_way_of_writing_is_told_and_read(kind: str, coding: str, classes: int, tmp_path: Path) -> None:
    written(OBJECTS, kind).save(tmp_path / "a.png")
    assert kind_of(tmp_path / "a.png") == (coding, classes)
    masks = pickle.loads(pickle.dumps(MaskFiles(tmp_path, (("a.png",),), infer_coding([tmp_path / "a.png"]), classes)))
    labels = masks.read(0)
    expected = OBJECTS > 0 if classes == 2 else np.where(OBJECTS > 0, 1 + OBJECTS % 2, 0)
    assert labels.classes.dtype == np.uint8
    assert (labels.classes == expected).all()
    assert (labels.objects == OBJECTS).all() if kind == "objects" else labels.objects is None
    assert (masks.size(0), masks.describe(0), len(masks)) == ((32, 32), "a.png", 1)


def test_bitmaps_alpha_and_grey_saved_in_colour_are_their_numbers(tmp_path: Path) -> None:
    flat = (OBJECTS > 0).astype(np.uint8)
    Image.fromarray(flat.astype(bool)).save(tmp_path / "bit.png")
    Image.fromarray(np.stack([flat] * 3, 2)).save(tmp_path / "rgb.png")
    Image.fromarray(np.dstack([flat, flat * 0 + 255])).save(tmp_path / "la.png")
    for name in ("bit", "rgb", "la"):
        assert (read_values(tmp_path / f"{name}.png") == flat).all(), name
    assert kind_of(tmp_path / "bit.png") == ("classes", 2)


def test_lossy_masks_are_two_levels(tmp_path: Path) -> None:
    flat = (255 * (OBJECTS > 0)).astype(np.uint8)
    Image.fromarray(flat).save(tmp_path / "a.jpg", quality=60)
    assert set(np.unique(read_values(tmp_path / "a.jpg"))) == {0, 255}
    assert kind_of(tmp_path / "a.jpg") == ("binary", 2)


def test_ignored_pixels_stay_so(tmp_path: Path) -> None:
    values = np.where(OBJECTS == 1, IGNORED, OBJECTS > 0).astype(np.uint8)
    save(tmp_path / "a.png", values)
    assert kind_of(tmp_path / "a.png") == ("classes", 2)
    assert (MaskFiles(tmp_path, (("a.png",),), CLASSES, 2).read(0).classes == values).all()


def test_one_file_an_object_becomes_one_mask(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        save(tmp_path / f"{number}.png", np.asarray(255 * (number == OBJECTS), np.uint8))
    masks = ObjectFiles(tmp_path, (("1.png", "2.png", "3.png"), ("2.png",)))
    labels = masks.read(0)
    assert labels.objects is not None
    assert (labels.objects == OBJECTS).all()
    assert (labels.classes == (OBJECTS > 0)).all()
    assert [masks.describe(row) for row in range(2)] == ["1.png and 2 more", "2.png"]
    chosen = ChosenMasks(masks, np.array([1]))
    assert (len(chosen), chosen.describe(0), chosen.size(0)) == (1, "2.png", (32, 32))
    assert (chosen.read(0).classes == (OBJECTS == 2)).all()
    save(tmp_path / "3.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(
        DataError, match=r"^3.png is 4x4 and 1.png is 32x32; all masks of an image must have the same size$"
    ):
        masks.read(0)


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("colour", r"a.png is a colour image, and masks hold 64 colours; .* or as a palette or grey PNG"),
        ("text", r"a.png cannot be read as a mask \(cannot identify"),
        ("cut", r"a.png cannot be read as a mask \(.*truncated.*\); replace it, or remove it and its image"),
        ("float", r"a.tif has pixels of kind F; save the mask as a palette or grey PNG of class numbers"),
    ],
)
def test_files_that_are_no_masks(kind: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / ("a.tif" if kind == "float" else "a.png")
    if kind == "text":
        path.write_text("no picture")
    elif kind == "float":
        save(path, np.ones((4, 4), np.float32))
    else:
        values = np.random.default_rng(0).integers(0, 255, (64, 64) if kind == "cut" else (8, 8, 3), dtype=np.uint8)
        save(path, values)
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match=message):
        infer_coding([path])
    assert kind_of(save(tmp_path / "good.png", np.eye(4, dtype=np.uint8)), path, skip=True) == ("classes", 2)


def test_a_class_beyond_the_last_is_named(tmp_path: Path) -> None:
    save(tmp_path / "a.png", np.array([[0, 1], [7, 255]], np.uint8))
    message = r"^a.png holds class 7, and classes go from 0 to 1; fix the mask, or name all classes in a classes.txt"
    with pytest.raises(DataError, match=message):
        MaskFiles(tmp_path, (("a.png",),), CLASSES, 2).read(0)


def test_files_of_two_kinds_are_refused(tmp_path: Path) -> None:
    written(OBJECTS, "objects").save(tmp_path / "deep.png")
    written(OBJECTS, "binary").save(tmp_path / "flat.png")
    with pytest.raises(
        DataError, match=r"flat.png has 8 bits and .*deep.png more; write all masks with the same bit depth"
    ):
        infer_coding([tmp_path / "deep.png", tmp_path / "flat.png"])


@pytest.mark.parametrize("size", [(32, 32), (16, 16), (64, 96), (8, 128)])
def test_resizing_takes_the_nearest_pixel_as_pillow_does(size: tuple[int, int]) -> None:
    expected = Image.fromarray(OBJECTS.astype(np.uint8)).resize((size[1], size[0]), Image.Resampling.NEAREST)
    assert (resized(OBJECTS, *size) == np.asarray(expected)).all()
