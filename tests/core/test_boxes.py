"""Areas and overlaps of boxes against values worked out by hand, and against counting pixels."""

import pytest
import torch
from torch import Tensor

from sonde.core.boxes import area, clipped, contains, from_distances, generalised_iou, iou, pairwise_iou

SQUARE = torch.tensor([0.0, 0, 10, 10])


def whole_boxes(count: int, *, side: int = 20, seed: int = 0) -> Tensor:
    """Random boxes with whole corners and an area."""
    generator = torch.Generator().manual_seed(seed)
    corners = torch.randint(0, side, (count, 4), generator=generator).float()
    low, high = torch.minimum(corners[:, :2], corners[:, 2:]), torch.maximum(corners[:, :2], corners[:, 2:])
    return torch.cat([low, high + 1], 1)


def counted_iou(one: Tensor, two: Tensor) -> float:
    """By colouring the pixels of both."""
    page = torch.zeros(32, 32)
    for box in (one, two):
        left, top, right, bottom = box.int().tolist()
        page[top:bottom, left:right] += 1
    return float((page == 2).sum() / (page > 0).sum())


def test_iou_is_the_share_of_counted_pixels():
    ours, theirs = whole_boxes(12), whole_boxes(9, seed=1)
    found = pairwise_iou(ours, theirs)
    assert found.shape == (12, 9)
    for row, one in enumerate(ours):
        for column, two in enumerate(theirs):
            assert found[row, column].item() == pytest.approx(counted_iou(one, two), abs=1e-6)
            assert iou(one, two).item() == found[row, column].item()


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ([0, 0, 10, 10], 1.0),
        ([5, 0, 15, 10], 1 / 3),  # the smallest box around both is full
        ([10, 0, 20, 10], 0.0),  # they touch
        ([20, 0, 30, 10], -1 / 3),  # a third of the box around both is empty
        ([5, 5, 15, 15], 25 / 175 - 50 / 225),
    ],
)
def test_generalised_iou_follows_its_definition(other: list[float], expected: float):
    assert generalised_iou(SQUARE, torch.tensor(other).float()).item() == pytest.approx(expected, abs=1e-6)


def test_generalised_iou_pulls_boxes_that_do_not_meet():
    far = torch.tensor([30.0, 0, 40, 10], requires_grad=True)
    generalised_iou(SQUARE, far).backward()
    assert far.grad is not None
    assert far.grad[0] < 0  # moving its left side to the left is better
    plain = torch.tensor([30.0, 0, 40, 10], requires_grad=True)
    iou(SQUARE, plain).backward()
    assert plain.grad is not None
    assert not plain.grad.any()


def test_boxes_without_area_give_numbers():
    flat = torch.tensor([[3.0, 3, 3, 3], [5, 5, 2, 2]])
    assert area(flat).tolist() == [0, 0]
    assert iou(flat, flat).tolist() == [0, 0]
    assert generalised_iou(flat, SQUARE.expand(2, 4)).isfinite().all()


def test_clipping_leaves_a_box_outside_without_area():
    boxes = torch.tensor([[-5.0, 2, 5, 8], [30, 30, 40, 40], [-9, -9, 99, 99]])
    cut = clipped(boxes, 20.0, 25.0)
    assert cut.tolist() == [[0, 2, 5, 8], [25, 20, 25, 20], [0, 0, 25, 20]]


def test_distances_make_boxes_around_their_points():
    points, distances = torch.tensor([[10.0, 20.0]]), torch.tensor([[1.0, 2.0, 3.0, 4.0]])
    assert from_distances(points, distances).tolist() == [[9, 18, 13, 24]]


def test_a_point_on_the_edge_is_not_inside():
    points = torch.tensor([[5.0, 5.0], [0.0, 5.0], [10.0, 10.0], [9.9, 0.1]])
    assert contains(SQUARE[None], points).tolist() == [[True, False, False, True]]
