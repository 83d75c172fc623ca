"""Objects in class maps: connected pixels of a class, compared with objects that are known one by one."""

import numpy as np

from sonde.core.dataset import IGNORED

MATCHED = 0.5  # intersection over union above which a predicted object is a true one; above it the pairing is unique


def components(classes: np.ndarray, *, smallest: int = 0) -> np.ndarray:
    """(H, W) int32: 0 for class 0 and ignored pixels, else the number from 1 of the connected pixels of one class.

    Pixels are connected by their sides, not their corners: objects that touch at a corner stay two.
    smallest: components of fewer pixels become 0
    """
    from scipy import ndimage

    found: np.ndarray = np.zeros(classes.shape, np.int32)
    total = 0
    for value in np.unique(classes):
        if value in (0, IGNORED):
            continue
        numbered: np.ndarray = np.zeros(classes.shape, np.int32)
        count = int(ndimage.label(classes == value, output=numbered))  # type: ignore[arg-type]
        found[numbered > 0] = numbered[numbered > 0] + total
        total += count
    return without_small(found, smallest)


def without_small(objects: np.ndarray, smallest: int) -> np.ndarray:
    """Object numbers (H, W) anew from 1 without gaps, those of fewer than `smallest` pixels 0."""
    sizes = np.bincount(objects.ravel())
    large = sizes >= max(smallest, 1)
    large[0] = False
    return np.where(large, np.cumsum(large), 0).astype(np.int32)[objects]


def overlaps(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(objects of the first, objects of the second) float64: intersection over union of every pair."""
    ours, theirs = int(first.max()), int(second.max())
    pairs = np.bincount((first.astype(np.int64) * (theirs + 1) + second).ravel(), minlength=(ours + 1) * (theirs + 1))
    counts = pairs.reshape(ours + 1, theirs + 1).astype(np.float64)
    union = counts.sum(1, keepdims=True) + counts.sum(0, keepdims=True) - counts
    return counts[1:, 1:] / np.maximum(union[1:, 1:], 1)


class Objects:
    """Objects found, missed and invented over all images.

    A prediction's connected pixels of a class are its objects; one is right when its intersection over union with a true
    object of that class is above `MATCHED`.
    """

    def __init__(self, *, smallest: int = 0) -> None:
        """smallest: pixels below which a predicted object is not counted."""
        self.smallest = smallest
        self.matched = self.predicted = self.actual = self.off = self.rows = 0

    def update(self, prediction: np.ndarray, target: np.ndarray, objects: np.ndarray) -> tuple[int, int]:
        """Add one image: class maps and true object numbers, each (H, W); returns how many are predicted and true."""
        known = target != IGNORED
        found = components(np.where(known, prediction, 0), smallest=self.smallest)
        true = without_small(np.where(known, objects, 0), 0)
        matched = 0
        for ours, theirs in zip(*np.nonzero(overlaps(found, true) > MATCHED), strict=True):
            both = (found == ours + 1) & (true == theirs + 1)
            matched += int(prediction[both][0] == target[both][0])
        predicted, actual = int(found.max()), int(true.max())
        self.matched += matched
        self.predicted += predicted
        self.actual += actual
        self.off += abs(predicted - actual)
        self.rows += 1
        return predicted, actual

    def merge(self, other: "Objects") -> None:
        """Add another process's counts."""
        for name in ("matched", "predicted", "actual", "off", "rows"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def compute(self) -> dict[str, float]:
        """object_f1, and count_error: by how many objects an image's count is off on average."""
        total = self.predicted + self.actual
        return {
            "object_f1": 2 * self.matched / total if total else float("nan"),
            "count_error": self.off / self.rows if self.rows else float("nan"),
        }

    def counts(self) -> dict[str, int]:
        """Objects in all images: actual, predicted, matched; and the images."""
        return {"actual": self.actual, "predicted": self.predicted, "matched": self.matched, "rows": self.rows}
