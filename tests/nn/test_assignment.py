"""The batched rule against the same rule, one image, object and point at a time."""

import pytest
import torch
from torch import Tensor

from sonde.core.boxes import iou
from sonde.nn.assignment import Rule, task_aligned
from sonde.nn.points import point_grid

SIDE = 64
POINTS = point_grid(SIDE, SIDE, (8, 16, 32))[:, :2]


def slow(probs: Tensor, boxes: Tensor, target: Tensor, rule: Rule) -> tuple[list[float], list[int]]:
    """Of one image: quality and object of each point, after section 3.2 of arXiv:2108.07755."""
    wanted: dict[int, list[int]] = {}
    alignment: dict[tuple[int, int], float] = {}
    overlap: dict[tuple[int, int], float] = {}
    for place, (kind, left, top, right, bottom) in enumerate(target.tolist()):
        if kind < 0:
            continue
        half_x, half_y = max(right - left, rule.least) / 2, max(bottom - top, rule.least) / 2
        inside = [
            p
            for p, (x, y) in enumerate(POINTS.tolist())
            if abs(x - (left + right) / 2) < half_x and abs(y - (top + bottom) / 2) < half_y
        ]
        for point in inside:
            overlap[place, point] = float(iou(boxes[point], target[place, 1:]))
            score = float(probs[point, int(kind)])
            alignment[place, point] = score**rule.score * overlap[place, point] ** rule.overlap
        inside.sort(key=lambda point: -alignment[place, point])
        for point in inside[: rule.most]:
            wanted.setdefault(point, []).append(place)
    owner = {point: max(places, key=lambda place: overlap[place, point]) for point, places in wanted.items()}
    quality, objects = [0.0] * len(POINTS), [0] * len(POINTS)
    for point, place in owner.items():
        mine = [other for other, its in owner.items() if its == place]
        best = max(alignment[place, other] for other in mine)
        quality[point] = alignment[place, point] / best * max(overlap[place, other] for other in mine)
        objects[point] = place
    return quality, objects


def scene(images: int, objects: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Random scores, boxes around the points, and objects of two classes, one place of each image empty."""
    generator = torch.Generator().manual_seed(seed)
    reach = 4 + 16 * torch.rand(images, len(POINTS), 4, generator=generator)
    boxes = torch.cat([POINTS - reach[..., :2], POINTS + reach[..., 2:]], -1)
    corner = torch.rand(images, objects, 2, generator=generator) * 40
    side = 4 + torch.rand(images, objects, 2, generator=generator) * 24
    kinds = torch.randint(0, 2, (images, objects, 1), generator=generator).float()
    kinds[:, -1] = -1
    return torch.rand(images, len(POINTS), 2, generator=generator), boxes, torch.cat([kinds, corner, corner + side], -1)


@pytest.mark.parametrize("rule", [Rule(most=5), Rule(most=13, score=0.5, overlap=2.0, least=16.0), Rule(most=200)])
def test_equals_the_rule_written_down_plainly(rule: Rule):
    probs, boxes, target = scene(3, 6, seed=rule.most)
    found = task_aligned(probs, boxes, POINTS, target, rule)
    assert (found.quality > 0).sum() > 20
    for image in range(3):
        quality, objects = slow(probs[image], boxes[image], target[image], rule)
        assert found.quality[image].tolist() == pytest.approx(quality, abs=2e-3)  # SMALLEST moves them by so much
        assert found.object[image].tolist() == objects


def test_the_best_point_of_each_object_has_its_best_overlap():
    probs, boxes, target = scene(1, 2, seed=1)
    found = task_aligned(probs, boxes, POINTS, target, Rule())
    mine = found.quality[0] > 0
    best = iou(boxes[0, mine], target[0, 0, 1:]).max()
    assert found.quality[0].max().item() == pytest.approx(best.item(), rel=1e-5)


def test_an_object_smaller_than_a_cell_gets_points_only_by_its_least_side():
    target = torch.tensor([[[0.0, 9, 9, 11, 11]]])  # between the points at 4 and 12
    probs, boxes, _ = scene(1, 1, seed=2)
    alone = task_aligned(probs, boxes, POINTS, target, Rule())
    assert not alone.quality.any()
    widened = task_aligned(probs, boxes, POINTS, target, Rule(least=16.0))
    assert (widened.quality > 0).sum() >= 1


@pytest.mark.parametrize("objects", [0, 3])
def test_images_without_objects_train_no_point(objects: int):
    probs, boxes, _ = scene(2, 1, seed=3)
    target = torch.zeros(2, objects, 5)
    target[..., 0] = -1
    found = task_aligned(probs, boxes, POINTS, target, Rule())
    assert found.quality.shape == found.object.shape == (2, len(POINTS))
    assert not found.quality.any()


def test_nothing_overlapping_yet_still_gives_every_object_its_points():
    probs, _, target = scene(1, 4, seed=4)
    boxes = torch.zeros(1, len(POINTS), 4) + 63.5
    found = task_aligned(probs, boxes, POINTS, target, Rule())
    assert not found.quality.any()  # nothing is right, so no score is wanted
    assert found.quality.isfinite().all()
