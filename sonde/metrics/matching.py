"""Which detections are right, and how precise they are at each recall: the rules of the COCO evaluation.

Source: Lin et al. 2014, arXiv:1405.0312, and the evaluation published with it (cocodataset.org/#detection-eval)
"""

import numpy as np
import torch
from torch import Tensor

from sonde.core.boxes import pairwise_iou

THRESHOLDS = tuple(float(t) for t in np.linspace(0.5, 0.95, 10))  # of IoU
RECALLS = torch.from_numpy(np.linspace(0.0, 1.0, 101))  # numpy's, whose last digits the published evaluation has

# B images, K detections of each, N objects of each, T thresholds, D detections of one class in all images


def matched(found: Tensor, target: Tensor, thresholds: tuple[float, ...] = THRESHOLDS) -> Tensor:
    """(B, K, T) bool: whether a detection is right, at each threshold.

    found:  (B, K, 6) class (-1 for none), score and box, the highest score of each image first
    target: (B, N, 5) class (-1 for none) and box
    One after the other takes the free object of its class that it overlaps most, the later of equal ones, if their IoU reaches
    the threshold.
    """
    same = (found[:, :, None, 0] == target[:, None, :, 0]) & (target[:, None, :, 0] >= 0)
    overlap = torch.where(same, pairwise_iou(found[..., 2:].double(), target[..., 1:].double()), -1.0)  # (B, K, N)
    limits = torch.tensor(thresholds, dtype=torch.float64, device=found.device)
    objects = torch.arange(target.shape[1], device=found.device)
    right = torch.zeros(*found.shape[:2], len(limits), dtype=torch.bool, device=found.device)
    if not target.shape[1]:
        return right
    free = torch.ones(len(found), len(limits), len(objects), dtype=torch.bool, device=found.device)
    for place in range(found.shape[1]):
        left = torch.where(free, overlap[:, place, None, :], -1.0)  # (B, T, N)
        best = left.amax(-1, keepdim=True)
        hit = best >= limits[:, None]
        last = torch.where(left == best, objects, -1).amax(-1, keepdim=True)
        right[:, place] = hit[..., 0]
        free &= ~(hit & (objects == last))
    return right


def precision_at_recalls(right: Tensor, objects: int) -> Tensor:
    """(T, 101): the best precision at each of `RECALLS` or beyond; 0 at recalls that are not reached.

    right: (D, T) bool of all detections of a class, the highest score first;  objects: of the class, at least 1
    """
    if not len(right):
        return torch.zeros(right.shape[1], len(RECALLS), dtype=torch.float64)
    hits = right.double().cumsum(0)
    recall = hits / objects
    precision = hits / torch.arange(1, len(right) + 1, dtype=torch.float64)[:, None]
    best = precision.flip(0).cummax(0).values.flip(0).T  # (T, D): or beyond
    places = torch.searchsorted(recall.T.contiguous(), RECALLS.expand(right.shape[1], -1).contiguous())
    reached = places < len(right)
    return torch.where(reached, best.gather(1, places.clamp(max=len(right) - 1)), 0.0)
