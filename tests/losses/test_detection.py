import math

import pytest
import torch

from sonde.losses.detection import box_loss, image_losses, quality_focal


def test_quality_focal_is_its_equation():
    logits, quality = torch.tensor([0.3, -1.2, 2.0]), torch.tensor([0.7, 0.0, 1.0])
    found = quality_focal(logits, quality, power=2.0)
    for value, logit, wanted in zip(found.tolist(), logits.tolist(), quality.tolist(), strict=True):
        probability = 1 / (1 + math.exp(-logit))
        entropy = -(1 - wanted) * math.log(1 - probability) - wanted * math.log(probability)
        assert value == pytest.approx(abs(wanted - probability) ** 2 * entropy, rel=1e-5)


def test_quality_focal_is_least_where_the_score_is_the_quality():
    quality = torch.tensor(0.6)
    logits = torch.linspace(-3, 3, 601)
    found = quality_focal(logits, quality.expand(601), power=2.0)
    assert logits[found.argmin()].sigmoid().item() == pytest.approx(0.6, abs=0.01)
    assert found.min().item() == pytest.approx(0, abs=1e-4)


def test_power_zero_is_cross_entropy():
    logits, quality = torch.randn(20), torch.rand(20)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, quality, reduction="none")
    assert torch.equal(quality_focal(logits, quality, power=0.0), expected)


def test_box_loss_runs_from_zero_to_two():
    box = torch.tensor([[0.0, 0, 10, 10]])
    assert box_loss(box, box).item() == pytest.approx(0, abs=1e-6)
    assert box_loss(box, box + 1e5).item() == pytest.approx(2, abs=1e-3)


def test_cells_of_no_object_cost_nothing_for_their_boxes_and_pull_at_nothing():
    logits = torch.zeros(2, 3, 2, requires_grad=True)
    boxes = torch.tensor([0.2, 0.1, 0.8, 0.9]).repeat(2, 3, 1).requires_grad_()
    quality = torch.tensor([[0.5, 0, 0], [0, 0, 0]])
    wanted = torch.tensor([1.0, 0, 0, 1, 1]).expand(2, 3, 5)
    classes, overlap = image_losses(logits, boxes, quality, wanted, power=2.0)
    assert overlap[1] == 0
    assert overlap[0].item() == pytest.approx(0.5 * box_loss(boxes[0, 0], wanted[0, 0, 1:]).item())
    background = float(quality_focal(torch.zeros(()), torch.zeros(()), power=2.0))
    assert classes[1].item() == pytest.approx(6 * background)
    assert classes[0].item() == pytest.approx(5 * background)  # the sixth has a score of 0.5, as wanted
    (classes.sum() + overlap.sum()).backward()
    assert boxes.grad is not None
    assert boxes.grad[0, 0].any()
    assert not boxes.grad[0, 1:].any()
    assert not boxes.grad[1].any()
