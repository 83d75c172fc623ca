"""How sure a mean average precision is: images are drawn again, and their detections with them."""

import math
from collections.abc import Sequence

import numpy as np

from sonde.metrics.intervals import LEVEL, SEED, Interval, expanded
from sonde.metrics.matching import RECALLS

DRAWS = 200  # resamples: the ends of an interval of 95 % then vary by a tenth of its width from seed to seed
MOST_DRAWN = (
    6_000_000  # detections of all resamples: 0.3 s, and of 500,000 detections 0.8 s; of more a sample of images, seeded
)
FEWEST = 5  # images

# D detections, the highest score first, N objects, I images, T thresholds of IoU, R resamples, C classes


def map_offsets(
    detections: tuple[np.ndarray, np.ndarray, np.ndarray], objects: np.ndarray, images: np.ndarray, classes: int
) -> dict[str, Interval]:
    """Of the mean average precision over classes and thresholds, and of that at 0.5 and at 0.75, by metric: how far below and
    above the score of all images (low is mostly negative); empty for too few images.

    detections: image and class, (D,) each, and right (D, T);  objects: (N, 2) image and class;  images: (I,) all there are
    Source: Efron 1979, Annals of Statistics 7, of the difference; of few the percentiles lie further out (Hesterberg
    2015, American Statistician 69)
    """
    image, of_class, right = detections
    share, kept = 1.0, np.unique(images)
    if len(kept) < FEWEST:
        return {}
    least = max(1, len(image) + len(objects) * right.shape[1])
    if least * DRAWS > MOST_DRAWN:
        some = max(FEWEST, int(len(kept) * MOST_DRAWN / (least * DRAWS)))
        share = some / len(kept)
        kept = np.sort(np.random.default_rng(SEED).choice(kept, some, replace=False))
        here, there = np.isin(image, kept), np.isin(objects[:, 0], kept)
        image, of_class, right, objects = image[here], of_class[here], right[here], objects[there]
    generator = np.random.default_rng(SEED + 1)
    drawn = generator.integers(len(kept), size=(DRAWS, len(kept))) + np.arange(DRAWS)[:, None] * len(kept)
    times = np.bincount(drawn.ravel(), minlength=DRAWS * len(kept)).reshape(DRAWS, len(kept)).astype(np.float64)
    times = np.concatenate([np.ones((1, len(kept))), times])
    where, owner = np.searchsorted(kept, image), np.searchsorted(kept, objects[:, 0])
    each = [
        _precisions(right[of_class == c], times[:, where[of_class == c]], times[:, owner[objects[:, 1] == c]].sum(1))
        for c in range(classes)
        if (objects[:, 1] == c).any()
    ]
    return _intervals(np.stack(each), expanded(LEVEL, len(kept)), math.sqrt(share)) if each else {}


def _precisions(right: np.ndarray, times: np.ndarray, objects: np.ndarray) -> np.ndarray:
    """(R, T) average precision of one class at each threshold, each detection as often as `times` (R, D) says, NaN where it has
    no objects (R,). Only places where something is right matter: between them precision falls, and recall stays."""
    whole = times.cumsum(1)
    found = np.full((len(times), right.shape[1]), np.nan)
    there = objects > 0
    for place in range(right.shape[1]):
        hits = np.flatnonzero(right[:, place])
        sums = times[:, hits].cumsum(1)
        precision = sums / np.maximum(whole[:, hits], 1)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        best = np.concatenate([best, np.zeros((len(best), 1))], 1)  # recalls that are not reached
        recall = sums / np.maximum(objects, 1)[:, None]
        found[there, place] = [
            line[np.searchsorted(reached, RECALLS.numpy())].mean()
            for line, reached in zip(best[there], recall[there], strict=True)
        ]
    return found


def _intervals(each: np.ndarray, level: float, narrower: float) -> dict[str, Interval]:
    """each: (C, 1 + DRAWS, T), the first of all images"""
    found = {}
    parts: Sequence[tuple[str, np.ndarray]] = (("map", each.mean(2)), ("map50", each[..., 0]), ("map75", each[..., 5]))
    for name, values in parts:
        known = np.isfinite(values)
        means = np.where(known, values, 0).sum(0) / np.maximum(known.sum(0), 1)
        low, high = np.quantile(means[1:], [(1 - level) / 2, (1 + level) / 2]) - means[0]
        found[name] = Interval(low * narrower, high * narrower)
    return found
