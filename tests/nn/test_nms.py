"""Suppression of all images at once against the greedy rule written down plainly."""

import torch
from torch import Tensor

from sonde.core.boxes import iou
from sonde.nn.nms import suppressed

LIMIT = 0.5


def greedy(boxes: Tensor, scores: Tensor, classes: Tensor) -> list[bool]:
    """One image: from the highest score down, the earlier place first among equal ones."""
    order = sorted(range(len(scores)), key=lambda place: (-float(scores[place]), place))
    kept: list[int] = []
    for place in order:
        rivals = (other for other in kept if classes[other] == classes[place])
        if classes[place] >= 0 and all(float(iou(boxes[place], boxes[other])) <= LIMIT for other in rivals):
            kept.append(place)
    return [place not in kept for place in range(len(scores))]


def crowd(images: int, count: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes that overlap a lot, scores in coarse steps so that many are equal, three classes and empty places."""
    generator = torch.Generator().manual_seed(seed)
    corner = torch.rand(images, count, 2, generator=generator) * 20
    side = 5 + torch.rand(images, count, 2, generator=generator) * 15
    scores = torch.randint(0, 8, (images, count), generator=generator) / 8
    classes = torch.randint(-1, 3, (images, count), generator=generator)
    return torch.cat([corner, corner + side], -1), scores, classes


def test_equals_the_greedy_rule_on_random_boxes_with_ties():
    for seed in range(5):
        boxes, scores, classes = crowd(4, 40, seed)
        found = suppressed(boxes, scores, classes, LIMIT)
        for image in range(len(boxes)):
            assert found[image].tolist() == greedy(boxes[image], scores[image], classes[image]), (seed, image)
        assert 0.1 < found.float().mean() < 0.9


def test_a_long_chain_keeps_every_other_box():
    left = torch.arange(9.0) * 3  # each overlaps the next by 7/13, the one after by 4/16
    boxes = torch.stack([left, torch.zeros(9), left + 10, torch.full((9,), 10.0)], -1)[None]
    scores = torch.linspace(1, 0.2, 9)[None]
    found = suppressed(boxes, scores, torch.zeros(1, 9), LIMIT)
    assert found[0].tolist() == [False, True] * 4 + [False]


def test_classes_do_not_suppress_each_other_and_empty_places_go():
    box = torch.tensor([0.0, 0, 10, 10]).expand(1, 4, 4)
    scores = torch.tensor([[0.9, 0.8, 0.7, 0.6]])
    assert suppressed(box, scores, torch.tensor([[0, 1, 0, -1]]), LIMIT).tolist() == [[False, False, True, True]]
