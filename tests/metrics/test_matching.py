"""Matching against the published rule written down plainly, and precision against small cases worked out by hand."""

import pytest
import torch
from torch import Tensor

from sonde.core.boxes import iou
from sonde.metrics.matching import RECALLS, THRESHOLDS, matched, precision_at_recalls


def slow(found: Tensor, target: Tensor, threshold: float) -> list[bool]:
    """Of one image, as the published evaluation's inner loop does it."""
    taken: set[int] = set()
    right = []
    for kind, _, *box in found.tolist():
        best, place = threshold, -1
        for number, (truth, *wanted) in enumerate(target.tolist()):
            if truth != kind or truth < 0 or number in taken:
                continue
            overlap = float(iou(torch.tensor(box).double(), torch.tensor(wanted).double()))
            if overlap >= best:
                best, place = overlap, number
        taken.add(place)
        right.append(kind >= 0 and place >= 0)
    return right


def scene(seed: int) -> tuple[Tensor, Tensor]:
    """Three images: detections near objects, whole coordinates so that overlaps repeat, two classes, empty places."""
    generator = torch.Generator().manual_seed(seed)

    def boxes(count: int) -> Tensor:
        corner = torch.randint(0, 12, (3, count, 2), generator=generator).float()
        return torch.cat([corner, corner + torch.randint(4, 9, (3, count, 2), generator=generator)], -1)

    def kinds(count: int) -> Tensor:
        return torch.randint(-1, 2, (3, count, 1), generator=generator).float()

    scores = torch.rand(3, 30, 1, generator=generator).sort(1, descending=True).values
    return torch.cat([kinds(30), scores, boxes(30)], -1), torch.cat([kinds(12), boxes(12)], -1)


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_published_loop(seed: int):
    found, target = scene(seed)
    right = matched(found, target)
    for image in range(3):
        for place, threshold in enumerate(THRESHOLDS):
            assert right[image, :, place].tolist() == slow(found[image], target[image], threshold)
    assert right[..., 0].sum() >= 3


def test_without_objects_nothing_is_right():
    found, _ = scene(0)
    assert not matched(found, torch.zeros(3, 0, 5)).any()


def test_thresholds_and_recalls_are_the_published_ones():
    assert [round(threshold, 2) for threshold in THRESHOLDS] == [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]
    assert len(RECALLS) == 101
    assert RECALLS[25].item() == pytest.approx(0.25)


def test_precision_is_the_best_at_each_recall_or_beyond():
    right = torch.tensor([True, False, True, False])[:, None]
    found = precision_at_recalls(right, 4)[0]  # two of four objects are found, with precision 1 and then 2/3
    assert found[:26].tolist() == [1.0] * 26  # up to a recall of 0.25
    assert found[26:51].tolist() == pytest.approx([2 / 3] * 25)
    assert found[51:].tolist() == [0.0] * 50


def test_precision_without_detections_is_zero():
    assert precision_at_recalls(torch.zeros(0, 10, dtype=torch.bool), 3).sum() == 0


def test_of_equal_overlaps_the_later_object_is_taken():
    target = torch.tensor([[[0.0, 0, 0, 10, 12], [0, 0, -2, 10, 10]]])
    between = [0, 0.9, 0, 0, 10, 10]  # overlaps either by 10/12
    second = [0, 0.8, 0, -2, 10, 10]  # the later one wholly, the first by 10/14
    assert matched(torch.tensor([[between, second]]), target, (0.75,))[0, :, 0].tolist() == [True, False]
    assert matched(torch.tensor([[between, second]]), target, (0.7,))[0, :, 0].tolist() == [True, True]
