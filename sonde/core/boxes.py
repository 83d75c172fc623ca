"""Boxes as numbers: left, top, right, bottom in pixels, the last axis of a tensor. Areas, overlaps, moves and cuts."""

import torch
from torch import Tensor

# N and M boxes; `…` any leading axes, which broadcast


def area(boxes: Tensor) -> Tensor:
    """(…, 4) -> (…): width times height; 0 for a box whose right or bottom does not lie beyond its left or top."""
    return (boxes[..., 2] - boxes[..., 0]).clamp(min=0) * (boxes[..., 3] - boxes[..., 1]).clamp(min=0)


def pairwise_iou(ours: Tensor, theirs: Tensor) -> Tensor:
    """(…, N, 4) and (…, M, 4) -> (…, N, M): shared area over joint area; 0 where both areas are 0."""
    return iou(ours[..., :, None, :], theirs[..., None, :, :])


def iou(ours: Tensor, theirs: Tensor) -> Tensor:
    """(…, 4) and (…, 4), one against one -> (…)."""
    shared, joint = _shared_and_joint(ours, theirs)
    return shared / joint.clamp(min=torch.finfo(joint.dtype).tiny)


def generalised_iou(ours: Tensor, theirs: Tensor) -> Tensor:
    """(…, 4) and (…, 4), one against one -> (…) in (-1, 1]: IoU less the empty share of the smallest box around both.

    Unlike IoU it has a slope where boxes do not meet.
    Source: Rezatofighi et al. 2019, arXiv:1902.09630, algorithm 1
    """
    shared, joint = _shared_and_joint(ours, theirs)
    low, high = torch.minimum(ours, theirs), torch.maximum(ours, theirs)
    around = area(torch.cat([low[..., :2], high[..., 2:]], -1))
    tiny = torch.finfo(joint.dtype).eps
    return shared / joint.clamp(min=tiny) - (around - joint) / around.clamp(min=tiny)


def _shared_and_joint(ours: Tensor, theirs: Tensor) -> tuple[Tensor, Tensor]:
    sides = torch.minimum(ours[..., 2:], theirs[..., 2:]) - torch.maximum(ours[..., :2], theirs[..., :2])
    shared = sides.clamp(min=0).prod(-1)
    return shared, area(ours) + area(theirs) - shared


def from_distances(points: Tensor, distances: Tensor) -> Tensor:
    """Points (…, 2) as x, y and how far the box reaches to the left, top, right and bottom (…, 4) -> boxes (…, 4)."""
    return torch.cat([points - distances[..., :2], points + distances[..., 2:]], -1)


def clipped(boxes: Tensor, height: Tensor | float, width: Tensor | float) -> Tensor:
    """Boxes (…, 4) cut off at the edges of an image; a box outside becomes one without area on the edge."""
    x, y = boxes[..., 0::2], boxes[..., 1::2]
    width = torch.as_tensor(width, dtype=boxes.dtype, device=boxes.device)
    height = torch.as_tensor(height, dtype=boxes.dtype, device=boxes.device)
    x, y = torch.minimum(x.clamp(min=0), width), torch.minimum(y.clamp(min=0), height)
    return torch.stack([x[..., 0], y[..., 0], x[..., 1], y[..., 1]], -1)


def contains(boxes: Tensor, points: Tensor) -> Tensor:
    """(…, N, 4) and (P, 2) -> (…, N, P) bool: whether a point lies inside a box, its edges not counted."""
    beyond = points - boxes[..., :, None, :2], boxes[..., :, None, 2:] - points
    return (torch.minimum(*beyond) > 0).all(-1)
