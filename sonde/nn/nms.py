"""Non-maximum suppression: of detections that overlap, the one with the highest score is kept."""

import torch
from torch import Tensor

from sonde.core.boxes import pairwise_iou

# B images, K candidates of each


def suppressed(boxes: Tensor, scores: Tensor, classes: Tensor, limit: float) -> Tensor:
    """(B, K) bool: which candidates overlap one of their class that has a higher score and is itself kept.

    boxes (B, K, 4), scores (B, K), classes (B, K) integer; a class below 0 marks a place that is empty, which is suppressed.
    Overlap is an IoU above `limit`. Of equal scores the earlier place counts as the higher.

    The greedy rule is solved for all images at once: who is kept follows from who is kept among the higher ones, so repeating
    that step from "all are kept" settles one more of them each time, and stops at the greedy answer, after as many rounds as
    the longest chain of suppressions. Source: Zheng et al. 2020, Cluster-NMS, arXiv:2005.03572, section 4
    """
    order = scores.argsort(dim=1, descending=True, stable=True)
    boxes = boxes.gather(1, order[..., None].expand(-1, -1, 4))
    classes = classes.gather(1, order)
    overlap = pairwise_iou(boxes, boxes) > limit
    overlap &= classes[:, :, None] == classes[:, None, :]
    overlap = overlap.triu(1)  # [i, j]: i has the higher score
    filled = classes >= 0
    keep = filled
    while True:
        settled = filled & ~(overlap & keep[:, :, None]).any(1)
        if torch.equal(settled, keep):
            break
        keep = settled
    return torch.ones_like(keep).scatter(1, order, ~keep)
