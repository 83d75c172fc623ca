"""Polygons and runs of pixels against pixels set by hand."""

from typing import Any

import numpy as np
import pytest

from sonde.core.dataset import IGNORED
from sonde.core.errors import DataError
from sonde.modalities.image.outlines import Outlines, Shape, filled, from_runs


def shape(form: Any, number: int = 1, *, crowd: bool = False) -> Shape:
    return Shape(number=number, form=form, crowd=crowd, place="a.json annotation 5")


def box(left: float, top: float, right: float, bottom: float) -> list[float]:
    return [left, top, right, top, right, bottom, left, bottom]


def test_a_polygon_holds_the_pixels_whose_middle_it_holds() -> None:
    inside = filled(shape([box(2, 1, 6, 4)]), 6, 8)
    expected = np.zeros((6, 8), bool)
    expected[1:4, 2:6] = True
    assert inside.tolist() == expected.tolist()


def test_a_large_polygon_has_the_area_of_its_formula() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        angles = np.sort(rng.random(9)) * 2 * np.pi
        x, y = 100 + 80 * np.cos(angles), 100 + 80 * np.sin(angles)
        area = abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))) / 2
        length = np.hypot(np.diff(x, append=x[0]), np.diff(y, append=y[0])).sum()
        found = filled(shape([np.stack([x, y], 1).ravel().tolist()]), 200, 200).sum()
        assert abs(found - area) < 0.15 * length


def test_several_polygons_are_one_object() -> None:
    inside = filled(shape([box(0, 0, 2, 2), box(4, 4, 6, 6)]), 6, 6)
    assert inside.sum() == 8


def test_runs_go_down_the_columns() -> None:
    expected = np.array([[0, 0, 1], [1, 0, 1]], bool)
    assert from_runs({"size": [2, 3], "counts": [1, 1, 2, 2]}, 2, 3, "x").tolist() == expected.tolist()
    assert from_runs({"size": [1, 2], "counts": [0, 2]}, 1, 2, "x").all()


def packed(lengths: list[int]) -> str:
    """COCO's text for lengths, written after the format's description: changes from the fourth on, five bits a character."""
    text = ""
    for place, length in enumerate(lengths):
        value = length - lengths[place - 2] if place > 2 else length
        while True:
            bits, value = value & 0x1F, value >> 5
            more = not (value == 0 and not bits & 0x10 or value == -1 and bits & 0x10)
            text += chr(48 + (bits | 0x20 * more))
            if not more:
                break
    return text


def test_packed_runs() -> None:
    assert (
        from_runs({"size": [4, 2], "counts": "323"}, 4, 2, "x").T.ravel().tolist()
        == [False] * 3 + [True] * 2 + [False] * 3
    )
    rng = np.random.default_rng(0)
    for _ in range(50):
        mask = rng.random((40, 50)) < rng.choice([0.02, 0.5, 0.98])
        flat = mask.T.ravel()
        edges = np.flatnonzero(np.diff(flat)) + 1
        lengths = np.diff(np.concatenate(([0], edges, [flat.size]))).tolist()
        lengths = [0, *lengths] if flat[0] else lengths
        found = from_runs({"size": [40, 50], "counts": packed(lengths)}, 40, 50, "x")
        assert found.tolist() == mask.tolist()


def test_smaller_objects_stand_on_larger_ones_and_crowds_count_nowhere() -> None:
    shapes = (
        shape([box(2, 2, 4, 4)], 2),
        shape([box(0, 0, 6, 6)], 1),
        shape([box(0, 0, 8, 1)], 1, crowd=True),
    )
    masks = Outlines(((8, 8),), (shapes,), ("a.json image 1",))
    labels = masks.read(0)
    assert labels.objects is not None
    assert labels.classes[2:4, 2:4].tolist() == [[2, 2], [2, 2]]
    assert (labels.classes[0, 6:] == IGNORED).all()
    assert (labels.classes[:6, :6] == 1).sum() == 32
    assert np.unique(labels.objects).size == 3
    assert labels.objects[0, 7] == 0
    assert (masks.size(0), masks.describe(0), len(masks)) == ((8, 8), "a.json image 1", 1)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ([[1, 1, 5, 5]], "has a polygon of 2 points; a polygon needs at least three"),
        ([[1, 1, 5, 5, 3]], "has a polygon that is not a list of alternating x and y; fix the file"),
        ([["a", 1, 5, 5, 3, 3]], "has a polygon that is not a list of alternating x and y; fix the file"),
        ([], "has no outline; it is a list of polygons, or RLE with size and counts"),
        (None, "has no outline"),
        ("abc", "has no outline"),
    ],
)
def test_outlines_that_enclose_nothing_are_known_before_anything_is_drawn(form: Any, message: str) -> None:
    masks = Outlines(((8, 8),), ((shape(form),),), ("a.json image 1",))
    with pytest.raises(DataError, match=f"^a.json annotation 5 {message}"):
        masks.size(0)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (
            {"size": [8, 9], "counts": [72]},
            r"has RLE counts for size \[8, 9\], and its image is \[8, 8\]; fix the file",
        ),
        ({"counts": [64]}, r"has RLE counts for size None, and its image is \[8, 8\]"),
        ({"size": [8, 8], "counts": [60]}, "has RLE counts for 60 pixels, and its image has 64; fix the file"),
        ({"size": [8, 8], "counts": [-1, 65]}, "has RLE counts for 64 pixels, and its image has 64; fix the file"),
        ({"size": [8, 8], "counts": ["a"]}, "has RLE counts that are not integers; fix the file"),
        ({"size": [8, 8], "counts": "P"}, "has truncated RLE counts; fix the file"),
        (
            {"size": [8, 8], "counts": "1 2"},
            "has RLE counts with the character ' ', which is not valid there; fix the file",
        ),
    ],
)
def test_runs_that_are_none(form: Any, message: str) -> None:
    with pytest.raises(DataError, match=f"^a.json annotation 5 {message}"):
        filled(shape(form), 8, 8)
