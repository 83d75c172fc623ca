import numpy as np
import pytest
import torch

from sonde.metrics import detection_interval
from sonde.metrics.detection_interval import _precisions, map_offsets
from sonde.metrics.matching import THRESHOLDS, precision_at_recalls


def scene(images: int = 60, seed: int = 0) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Objects of two classes in some images, detections of which the surer ones are right more often, at low IoU most."""
    generator = np.random.default_rng(seed)
    objects = np.array([(image, c) for image in range(images) for c in (0, 1) for _ in range(generator.integers(0, 4))])
    score = generator.random(len(objects) + 2 * images)
    owner = np.concatenate([objects, generator.integers(0, (images, 2), (2 * images, 2))])
    hit = np.arange(len(owner)) < len(objects)
    overlap = np.where(
        hit & (generator.random(len(owner)) < 0.4 + 0.6 * score), 0.5 + 0.5 * generator.random(len(owner)), 0
    )
    order = np.argsort(-score)
    right = overlap[:, None] >= np.array(THRESHOLDS)
    return (owner[order, 0], owner[order, 1], right[order]), objects, np.arange(images)


def mean_precision(scenes: tuple[tuple[np.ndarray, np.ndarray, np.ndarray], np.ndarray], times: np.ndarray) -> float:
    """Each image as often as `times` says, by the evaluation of whole sets."""
    (image, classes, right), objects = scenes
    found = []
    for c in (0, 1):
        here = classes == c
        repeated = np.repeat(right[here], times[image[here]], axis=0)
        count = int(times[objects[objects[:, 1] == c, 0]].sum())
        found.append(float(precision_at_recalls(torch.from_numpy(repeated), count).mean()) if count else np.nan)
    return float(np.nanmean(found))


def test_precisions_are_those_of_images_that_are_there_several_times() -> None:
    (image, classes, right), objects, images = scene()
    times = np.random.default_rng(1).integers(0, 4, (5, len(images)))
    here, owned = classes == 1, objects[:, 1] == 1
    found = _precisions(right[here], times[:, image[here]].astype(float), times[:, objects[owned, 0]].sum(1))
    for line, each in zip(times, found, strict=True):
        repeated = torch.from_numpy(np.repeat(right[here], line[image[here]], axis=0))
        known = precision_at_recalls(repeated, int(line[objects[owned, 0]].sum())).mean(1)
        assert each == pytest.approx(known.numpy(), abs=1e-12)


def test_the_interval_is_that_of_images_drawn_again() -> None:
    detections, objects, images = scene()
    generator = np.random.default_rng(2)
    whole = mean_precision((detections, objects), np.ones(len(images), np.int64))
    drawn = [
        mean_precision((detections, objects), np.bincount(generator.integers(0, 60, 60), minlength=60))
        for _ in range(150)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975]) - whole
    found = map_offsets(detections, objects, images, 2)
    assert set(found) == {"map", "map50", "map75"}
    assert (found["map"].low, found["map"].high) == pytest.approx((low, high), abs=0.2 * (high - low))
    assert found == map_offsets(detections, objects, images, 2)


def test_a_sample_of_images_is_as_sure_as_all(monkeypatch: pytest.MonkeyPatch) -> None:
    detections, objects, images = scene(200)
    whole = map_offsets(detections, objects, images, 2)["map"]
    least = len(detections[0]) + 10 * len(objects)
    monkeypatch.setattr(detection_interval, "MOST_DRAWN", least * detection_interval.DRAWS // 2)
    part = map_offsets(detections, objects, images, 2)["map"]
    assert part != whole
    assert part.high - part.low == pytest.approx(whole.high - whole.low, rel=0.3)


def test_few_images_and_ones_without_objects_tell_nothing() -> None:
    detections, objects, images = scene(4)
    assert map_offsets(detections, objects, images, 2) == {}
    detections, objects, images = scene(10)
    assert map_offsets(detections, objects[:0], images, 2) == {}
