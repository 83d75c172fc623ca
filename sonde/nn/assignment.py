"""Label assignment of a dense detector: which points are trained for which object, chosen in every step by their predictions."""

from typing import NamedTuple

import torch
from torch import Tensor

from sonde.core.boxes import contains, pairwise_iou

SMALLEST = 1e-9  # keeps points inside an object apart from those outside while no prediction overlaps it yet

# B images, N objects of each, P points, C classes


class Assignment(NamedTuple):
    """The target of each point.

    quality: (B, P) in 0..1, how high its score for its object's class should be; 0 for points of no object
    object:  (B, P) int64, the place of its object among the N; 0 for points of no object
    """

    quality: Tensor
    object: Tensor


class Rule(NamedTuple):
    """The numbers of the rule, as in its paper.

    most:  points an object gets
    score, overlap: powers of the score and of the IoU in what points are ranked by
    least: pixels; an object takes points from at least so wide and high a place, or one smaller than a cell would get none
    """

    most: int = 13
    score: float = 1.0
    overlap: float = 6.0
    least: float = 0.0


def task_aligned(probs: Tensor, boxes: Tensor, points: Tensor, target: Tensor, rule: Rule) -> Assignment:
    """Give each object the points inside it with the highest score^a x IoU^b; a point that several want goes to the one it
    overlaps most.

    The quality is that product scaled, object by object, so that the best point has the best IoU.

    probs:  (B, P, C) of each class
    boxes:  (B, P, 4) predicted
    points: (P, 2) x and y
    target: (B, N, 5) class (-1 for none) and box
    Source: Feng et al. 2021, TOOD, arXiv:2108.07755, section 3.2
    """
    filled = target[..., 0] >= 0  # (B, N)
    if not filled.any():
        nothing = torch.zeros(boxes.shape[:2], dtype=torch.int64, device=boxes.device)
        return Assignment(torch.zeros_like(boxes[..., 0]), nothing)
    overlap = pairwise_iou(target[..., 1:], boxes)  # (B, N, P)
    score = _of_class(probs, target[..., 0])
    inside = contains(_widened(target[..., 1:], rule.least), points) & filled[..., None]
    alignment = (score**rule.score * overlap**rule.overlap + SMALLEST) * inside
    taken = _one_object_each(_best(alignment, rule.most), overlap)
    alignment, overlap = alignment * taken, overlap * taken
    scale = overlap.amax(-1, keepdim=True) / alignment.amax(-1, keepdim=True).clamp(min=SMALLEST)
    quality = (alignment * scale).amax(1)
    return Assignment(quality, taken.to(torch.uint8).argmax(1))


def _of_class(probs: Tensor, classes: Tensor) -> Tensor:
    """(B, N, P): what each point gives each object's class."""
    places = classes.clamp(min=0).long()[..., None].expand(-1, -1, probs.shape[1])
    return probs.transpose(1, 2).gather(1, places)


def _widened(boxes: Tensor, least: float) -> Tensor:
    """Boxes (…, 4) at least so wide and high, about their middles."""
    middle, sides = (boxes[..., :2] + boxes[..., 2:]) / 2, boxes[..., 2:] - boxes[..., :2]
    half = sides.clamp(min=least) / 2
    return torch.cat([middle - half, middle + half], -1)


def _best(alignment: Tensor, most: int) -> Tensor:
    """(B, N, P) bool: the `most` points with the highest alignment of each object, as far as it is above 0."""
    best = alignment.topk(min(most, alignment.shape[-1]), dim=-1)
    return torch.zeros_like(alignment, dtype=torch.bool).scatter(-1, best.indices, best.values > 0)


def _one_object_each(candidates: Tensor, overlap: Tensor) -> Tensor:
    """(B, N, P) bool with at most one object a point: of those that want it, the first with the largest overlap."""
    first = torch.where(candidates, overlap, -1.0).argmax(1, keepdim=True)  # (B, 1, P)
    return candidates & (first == torch.arange(candidates.shape[1], device=first.device)[:, None])
