"""Drawing places by weights that change."""

import numpy as np
import pytest

from sonde.acting.experience.sum_tree import SumTree


@pytest.mark.parametrize("size", [1, 2, 7, 64, 1000])
def test_places_are_found_as_in_the_sums_of_all_weights(size: int) -> None:
    random = np.random.default_rng(size)
    tree, weights = SumTree(size), random.integers(0, 5, size).astype(np.float64)  # whole numbers, whose sums are exact
    weights[size // 2] = 3
    tree.set(np.arange(size), weights)
    for _ in range(3):
        places = random.integers(0, size, 5)
        tree.set(places, values := random.integers(1, 9, 5).astype(np.float64))
        weights[places] = values  # of a place that is named twice the last one, too
    points = random.random(200) * weights.sum()
    assert tree.total == weights.sum()
    np.testing.assert_array_equal(tree.find(points), np.searchsorted(weights.cumsum(), points, side="right"))


def test_a_place_without_weight_is_never_found() -> None:
    tree = SumTree(6)
    tree.set(np.array([1, 4]), np.array([0.1, 0.2]))
    points = np.array([0.0, 0.1, np.nextafter(0.3, 0), tree.total, tree.total + 1e-9])
    assert set(tree.find(points).tolist()) == {1, 4}


def test_a_tree_of_the_same_weights_is_the_same_to_the_last_bit() -> None:
    random = np.random.default_rng(0)
    one, other = SumTree(300), SumTree(300)
    for _ in range(50):
        one.set(random.integers(0, 300, 20), random.random(20))
    other.set(np.arange(300), one.weights)
    assert one.total == other.total
    points = random.random(500) * one.total
    np.testing.assert_array_equal(one.find(points), other.find(points))
