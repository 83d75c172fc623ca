"""Boxes of annotated images as targets: cleaned, scaled with their image, padded."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from sonde.core.dataset import TargetSpec
from sonde.core.errors import DataError
from sonde.data.rows import ArrayInputs, InputRows
from sonde.data.splits import class_counts
from sonde.modalities.image.annotations.annotated import annotated
from sonde.modalities.image.box_targets import (
    CUT,
    FLAT,
    OUTSIDE,
    SWAPPED,
    Measured,
    Oddities,
    box_targets,
    clean_boxes,
)
from sonde.modalities.image.files import Header


def image(*objects: tuple[str, tuple[float, float, float, float]], height: int = 100, width: int = 200) -> Measured:
    return Measured(annotated(Path("a.png"), "a.xml", objects), Header(height, width, 3, False))


@pytest.mark.parametrize(
    ("box", "kept", "what"),
    [
        ((10, 10, 50, 50), (10, 10, 50, 50), None),
        ((10, 10, 10, 50), None, FLAT),
        ((50, 10, 20, 50), (20, 10, 50, 50), SWAPPED),
        ((200, 10, 220, 50), None, OUTSIDE),
        ((-20, -20, 0, 50), None, OUTSIDE),
        ((-20, 10, 50, 130), (0, 10, 50, 100), CUT),
        ((-0.5, 0, 50, 100.9), (0, 0, 50, 100), None),  # programs differ by one in where an edge is
    ],
)
def test_boxes_are_kept_cut_or_left_out_and_counted(
    box: tuple[float, float, float, float], kept: tuple[float, ...] | None, what: tuple[str, str] | None
):
    oddities: Oddities = Counter()
    boxes, names = clean_boxes(image(("x", box)), shares=False, oddities=oddities)
    assert boxes.tolist() == ([] if kept is None else [list(kept)])
    assert len(names) == len(boxes)
    assert +oddities == (Counter({what: 1}) if what else Counter())


def test_shares_become_pixels():
    boxes, _ = clean_boxes(image(("x", (0.25, 0.5, 0.75, 1.0))), shares=True, oddities=Counter())
    assert boxes.tolist() == [[50, 50, 150, 100]]


def test_targets_are_scaled_with_their_image_and_padded():
    wide = image(("b", (20, 10, 200, 100)), ("a", (0, 0, 20, 10)))
    tall = image(("a", (0, 0, 100, 200)), height=200, width=100)
    empty = image()
    found = box_targets([wide, tall, empty], ("a", "b"), (64, 96), shares=False, oddities=Counter())
    assert found.shape == (3, 2, 5)
    assert found.dtype == np.float32
    assert np.allclose(found[0], [[1, 9.6, 4.8, 96, 48], [0, 0, 0, 9.6, 4.8]], atol=1e-5)
    assert found[1].tolist() == [[0, 0, 0, 32, 64], [-1, 0, 0, 0, 0]]
    assert found[2].tolist() == [[-1, 0, 0, 0, 0]] * 2
    spec = TargetSpec(kind="boxes", names=("a", "b"))
    counts = class_counts(InputRows(ArrayInputs(np.zeros((3, 1)), ""), {"target": found}), spec)
    assert counts is not None
    assert counts.tolist() == [2, 1]


def test_a_name_that_the_model_does_not_know_is_refused():
    with pytest.raises(
        DataError, match="a.xml has an object 'c', a class the model was not trained on; there are a, b"
    ):
        box_targets([image(("c", (0, 0, 9, 9)))], ("a", "b"), (64, 96), shares=False, oddities=Counter())


def test_swapped_corners_are_sorted_and_counted(tmp_path: Path) -> None:
    swapped = annotated(tmp_path / "a.png", "a.xml", [("red", (24, 40, 4, 8)), ("red", (1, 1, 9, 9))])
    oddities: Oddities = Counter()
    boxes, _ = clean_boxes(Measured(swapped, Header(48, 64, 3, False)), shares=False, oddities=oddities)
    assert boxes.tolist() == [[4, 8, 24, 40], [1, 1, 9, 9]]
    assert +oddities == Counter({SWAPPED: 1})
