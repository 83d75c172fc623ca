import numpy as np
import pytest

from sonde.core.dataset import IGNORED
from sonde.metrics.objects import MATCHED, Objects, components, overlaps


def grid(text: str) -> np.ndarray:
    """A class map from rows of digits, '#' for an ignored pixel."""
    return np.array([[IGNORED if c == "#" else int(c) for c in row] for row in text.split()], np.uint8)


def test_components_are_joined_by_sides_and_by_class() -> None:
    classes = grid("1100 0011 2011 2#00")
    assert components(classes).tolist() == [[1, 1, 0, 0], [0, 0, 2, 2], [3, 0, 2, 2], [3, 0, 0, 0]]
    assert components(classes, smallest=3).tolist() == [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 0, 0]]


def test_overlaps_are_shares_of_the_union() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 4, (2, 9, 9))
    found = overlaps(first, second)
    assert found.shape == (3, 3)
    for i in range(3):
        for j in range(3):
            one, two = first == i + 1, second == j + 1
            assert found[i, j] == (one & two).sum() / (one | two).sum()


def test_found_missed_and_invented_objects() -> None:
    objects = np.zeros((8, 12), np.int32)
    objects[0:3, 0:3] = 7  # found
    objects[0:3, 5:8] = 8  # found by half and so missed
    objects[5:8, 0:2], objects[5:8, 2:4] = 3, 4  # touching: taken for one
    target = (objects > 0).astype(np.uint8)
    prediction = target.copy()
    prediction[0:3, 6:8] = 0
    prediction[6, 10] = 1  # invented
    judged = Objects()
    assert judged.update(prediction, target, objects) == (4, 4)
    assert judged.counts() == {"actual": 4, "predicted": 4, "matched": 1, "rows": 1}
    assert judged.compute() == {"object_f1": pytest.approx(2 * 1 / 8), "count_error": 0}
    strict = Objects(smallest=2)
    strict.update(prediction, target, objects)
    judged.merge(strict)
    assert judged.counts() == {"actual": 8, "predicted": 7, "matched": 2, "rows": 2}
    assert judged.compute()["count_error"] == 0.5


def test_an_overlap_of_just_a_half_is_no_match() -> None:
    objects = np.zeros((2, 4), np.int32)
    objects[:, :2] = 1
    prediction = np.zeros((2, 4), np.uint8)
    prediction[0, :2] = 1
    assert overlaps(components(prediction), objects)[0, 0] == MATCHED
    judged = Objects()
    judged.update(prediction, (objects > 0).astype(np.uint8), objects)
    assert judged.matched == 0


def test_objects_must_be_of_the_right_class_and_ignored_pixels_hold_none() -> None:
    objects = np.zeros((4, 8), np.int32)
    objects[:2, :2], objects[:2, 5:7] = 1, 2
    target = np.zeros((4, 8), np.uint8)
    target[:2, :2], target[:2, 5:7] = 1, 2
    prediction = target.copy()
    prediction[:2, 5:7] = 1
    prediction[3, :] = 1
    target[3, :] = IGNORED
    judged = Objects()
    assert judged.update(prediction, target, objects) == (2, 2)
    assert judged.matched == 1


def test_without_objects_there_is_no_score() -> None:
    judged = Objects()
    nothing = np.zeros((3, 3), np.uint8)
    judged.update(nothing, nothing, nothing.astype(np.int32))
    assert np.isnan(judged.compute()["object_f1"])
    assert judged.compute()["count_error"] == 0
