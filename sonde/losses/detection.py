"""Losses of dense object detection, each element by itself: the task decides what they are averaged over."""

import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.core.boxes import generalised_iou


def quality_focal(logits: Tensor, quality: Tensor, *, power: float = 2.0) -> Tensor:
    """Cross-entropy with a quality in 0..1 as the wanted probability, times how far off it is to the `power`: (…) -> (…).

    With qualities 0 and 1 alone it is the focal loss of Lin et al. 2017 without their balance between the two.
    Source: Li et al. 2020, generalized focal loss, arXiv:2006.04388, equation 2
    """
    off = (quality - logits.sigmoid()).abs() ** power
    return off * F.binary_cross_entropy_with_logits(logits, quality, reduction="none")


def box_loss(boxes: Tensor, target: Tensor) -> Tensor:
    """1 - generalised IoU of (…, 4) with (…, 4): (…) in [0, 2).

    Source: Rezatofighi et al. 2019, arXiv:1902.09630, algorithm 2
    """
    return 1 - generalised_iou(boxes, target)


def image_losses(
    logits: Tensor, boxes: Tensor, quality: Tensor, wanted: Tensor, *, power: float
) -> tuple[Tensor, Tensor]:
    """What each image's cells cost in all, (B,) each: the quality focal loss, and the box loss weighted by quality.

    logits (B, P, C); boxes (B, P, 4); quality (B, P), 0 for cells of no object; wanted (B, P, 5) class and box of the others
    """
    classes = wanted[..., :1].clamp(min=0).long()
    scores = torch.zeros_like(logits).scatter(-1, classes, quality[..., None])
    return quality_focal(logits, scores, power=power).sum((1, 2)), (box_loss(boxes, wanted[..., 1:]) * quality).sum(1)
