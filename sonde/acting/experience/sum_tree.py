"""Drawing places by their weights, which change all the time."""

import numpy as np


class SumTree:
    """Weights of `size` places, from 0, and the sums of them by halves: many are set or found at once, in log2(size) steps.

    Source: Schaul et al. 2016, arXiv:1511.05952, appendix B.2.1. A node is always the sum of its two, in float64, so a tree
    that is made again of the same weights is the same to the last bit.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._first = 1 << max(0, size - 1).bit_length()  # of the leaves; node k has the nodes 2 k and 2 k + 1
        self._sums = np.zeros(2 * self._first)

    @property
    def total(self) -> float:
        """The sum of all weights."""
        return float(self._sums[1])

    @property
    def weights(self) -> np.ndarray:
        """(size,) float64, a view."""
        return self._sums[self._first : self._first + self.size]

    def set(self, places: np.ndarray, weights: np.ndarray | float) -> None:
        """Give places (n,) other weights, not below 0; of a place that is named twice the last counts."""
        node = places + self._first
        self._sums[node] = weights
        while node[0] > 1:
            node = node >> 1
            self._sums[node] = self._sums[2 * node] + self._sums[2 * node + 1]

    def find(self, points: np.ndarray) -> np.ndarray:
        """(n,) numbers from 0 to `total` -> (n,) the places in whose weights, one behind another, they fall; none of weight 0."""
        node, rest = np.ones(len(points), np.int64), points.astype(np.float64)
        while node[0] < self._first:
            left, right = self._sums[2 * node], self._sums[2 * node + 1]
            beyond = (rest >= left) & (right > 0)  # sums are rounded: a point may lie beyond the last weight
            rest = np.where(beyond, rest - left, rest)
            node = 2 * node + beyond
        return node - self._first
