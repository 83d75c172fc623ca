"""Pictures that are another picture again, but not byte for byte: saved anew, scaled, brightened.

Each picture becomes a small one (area means of brightness, and of colour more coarsely, as JPEG keeps it), freed of
brightness and contrast, so distance is a share of its contrast. A copy stands out twice: it is near, and nothing else is
nearly as near. Measured on one core with seven kinds of planted copies, 100 of each: of 70,000 digits no pair was named
that was not planted, of 60,000 photographs 14 groups, which by eye are the same picture with other brightness or frame.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import adaptive_avg_pool2d

SIDE = 12  # of the small picture; 8 makes crowds of digits touch, 16 loses copies that were scaled
COLOUR_SIDE = 6  # JPEG halves the resolution of colour, and is coarse about it
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
NEAR = 0.1  # of the contrast: JPEG quality 50 moves most 28x28 digits by 0.05, and most 32x32 photographs by 0.07
ALONE = 2.0  # how much farther the nearest outsider is; digits "1" lie 0.07 apart, but in crowds
FINE_SIDE = 64  # where candidates are compared again, at their own size if that is smaller
FINE_NEAR = 0.4  # of the contrast there: pages of text have one layout, and differ by more
FLAT = 4.0  # levels of 255: a picture with less contrast has nothing to recognise it by
DIMENSIONS = 8  # of the search tree: distances never grow under projection, so nothing near is lost
NEIGHBOURS = 12  # looked at per picture; bounds memory where all images are equal
MOST = 8  # copies of one picture; larger clusters are a dense region, not copies
BASIS_ROWS = 3000


@dataclass(frozen=True)
class Copies:
    """Places of pictures that are one picture, and their largest single-link distance as a share of contrast."""

    places: np.ndarray
    distance: float


def small(images: np.ndarray) -> np.ndarray:
    """(n, features) float32 of uint8 (n, channels, height, width), or of floats of which 1 is white: brightness about 0, then
    colour differences.
    """
    images = images if images.dtype == np.uint8 else images * np.float32(255)
    if images.shape[1] != 3:
        return _centred(_shrunk(images.astype(np.float32), SIDE))
    luma = np.einsum("nchw,c->nhw", images, np.array(LUMA, np.float32))[:, None]
    colour = images[:, [0, 2]] - luma
    return np.concatenate([_centred(_shrunk(luma, SIDE)), _shrunk(colour, COLOUR_SIDE)], axis=1)


def find(features: np.ndarray, read: Callable[[np.ndarray], np.ndarray]) -> list[Copies]:
    """Groups of pictures that are copies of each other, by what `small` made of them.

    read: gives the pictures at some places, uint8 (n, channels, height, width), for a second look at candidates
    """
    levels = np.linalg.norm(features, axis=1) / features.shape[1] ** 0.5
    textured = np.flatnonzero(levels >= FLAT)
    if len(textured) < 2:
        return []
    first, second, distance = _neighbours(_unit(features[textured]))
    clusters = alone(first, second, distance)
    groups = [Copies(textured[np.array(sorted(places))], height) for places, height in clusters]
    return [group for group in groups if _fine_distance(read(group.places)) <= FINE_NEAR]


def _shrunk(images: np.ndarray, side: int) -> np.ndarray:
    """(n, features) area means of float32 (n, channels, height, width) on a grid of at most side x side."""
    height, width = images.shape[2:]
    pooled = adaptive_avg_pool2d(torch.from_numpy(images), (min(side, height), min(side, width)))
    return pooled.numpy().reshape(len(images), -1)


def _centred(points: np.ndarray) -> np.ndarray:
    return points - points.mean(axis=1, keepdims=True)


def _unit(points: np.ndarray) -> np.ndarray:
    return points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-6)


def _neighbours(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs closer than `ALONE` x `NEAR`, each once and nearest first: first, second, distance, all (pairs,).

    A k-d tree over the leading principal directions proposes; the distance is the one between all features.
    """
    from scipy.spatial import KDTree  # comes with scikit-learn

    reach = NEAR * ALONE
    sample = points[:: max(1, len(points) // BASIS_ROWS)]
    _, _, directions = np.linalg.svd(sample - sample.mean(axis=0), full_matrices=False)
    projected = points @ directions[:DIMENSIONS].T
    _, found = KDTree(projected).query(projected, k=NEIGHBOURS + 1, distance_upper_bound=reach)
    first = np.repeat(np.arange(len(points)), NEIGHBOURS + 1)
    second = found.ravel()
    there = (second < len(points)) & (first != second)
    low, high = np.minimum(first, second)[there], np.maximum(first, second)[there]
    code = np.unique(low.astype(np.int64) * len(points) + high)
    first, second = code // len(points), code % len(points)
    distance = np.empty(len(code), np.float32)
    for start in range(0, len(code), 1 << 16):
        piece = slice(start, start + (1 << 16))
        distance[piece] = np.linalg.norm(points[first[piece]] - points[second[piece]], axis=1)
    order = np.argsort(distance, kind="stable")
    order = order[distance[order] < reach]
    return first[order], second[order], distance[order]


def alone(first: np.ndarray, second: np.ndarray, distance: np.ndarray) -> list[tuple[list[int], float]]:
    """Single-linkage clusters that hold together within `NEAR` and whose nearest outsider is `ALONE` times as far.

    first, second, distance: (pairs,), nearest first; a pair that is absent is farther than `ALONE` x `NEAR`
    Returns the largest such clusters with their height, at most `MOST` members each.

    >>> alone(np.array([0, 2, 1]), np.array([1, 3, 2]), np.array([0.01, 0.09, 0.15]))
    [([0, 1], 0.01)]
    """
    root: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    height: dict[int, float] = {}
    found: dict[int, tuple[list[int], float]] = {}  # by smallest place, so that a larger cluster takes a smaller's

    def top(place: int) -> int:
        while root.setdefault(place, place) != place:
            root[place] = root[root[place]]
            place = root[place]
        return place

    def note(cluster: int, outsider: float) -> None:
        """Keep a cluster that lasted until `outsider` came."""
        if cluster in height and height[cluster] <= NEAR and outsider >= ALONE * height[cluster]:
            if len(members[cluster]) > MOST:
                return
            for place in members[cluster]:
                found.pop(place, None)
            found[min(members[cluster])] = (sorted(members[cluster]), height[cluster])

    for a, b, d in zip(first.tolist(), second.tolist(), distance.tolist(), strict=True):
        one, other = top(a), top(b)
        if one == other:
            continue
        note(one, d)
        note(other, d)
        root[other] = one
        members[one] = members.get(one, [one]) + members.pop(other, [other])
        height[one] = d
        height.pop(other, None)
    for cluster in list(height):
        note(cluster, float("inf"))
    return list(found.values())


def _fine_distance(images: np.ndarray) -> float:
    """Largest distance from the first of some pictures to another, at `FINE_SIDE`, as a share of contrast."""
    points = _unit(_centred(_shrunk(images.astype(np.float32), FINE_SIDE)))
    return float(np.linalg.norm(points[1:] - points[0], axis=1).max())
