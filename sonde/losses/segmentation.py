"""What a segmentation minimises: one value per image, for the caller to average. Pixels that are IGNORED count nowhere."""

import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.core.dataset import IGNORED

SMOOTH = 1.0  # pixels added to both sides of Dice's fraction: a class that is absent and not predicted costs nothing

# B rows, O outputs of the model (1 for two classes, else C), C classes, H height, W width


def counted(target: Tensor) -> Tensor:
    """(B, H, W) bool: the pixels that count."""
    return target != IGNORED


def gaps(objects: Tensor) -> Tensor:
    """(B, H, W) bool: pixels of an object beside or cornering on another object; objects are numbered from 1."""
    numbers = objects[:, None].float()
    highest = F.max_pool2d(numbers, 3, stride=1, padding=1)
    lowest = -F.max_pool2d(-torch.where(numbers > 0, numbers, torch.inf), 3, stride=1, padding=1)
    return ((numbers > 0) & (highest != lowest))[:, 0]


def pixel_cross_entropy(
    logits: Tensor, target: Tensor, weights: Tensor | None = None, extra: Tensor | None = None
) -> Tensor:
    """Mean of -log p(target) over the pixels of each image that count: (B, O, H, W), (B, H, W) -> (B,).

    One output is the logit of the second of two classes. An image without any pixel that counts gets 0.
    weights: (C,), how much the pixels of each class count; the mean is then over their weights
    extra: (B, H, W), a further factor on each pixel's weight
    """
    known = counted(target)
    truth = torch.where(known, target, 0).long()
    if logits.shape[1] == 1:
        each = F.binary_cross_entropy_with_logits(logits[:, 0], truth.to(logits.dtype), reduction="none")
    else:
        each = F.cross_entropy(logits, truth, reduction="none")
    weight = known.to(each.dtype) if weights is None else known * weights.to(each.dtype)[truth]
    weight = weight if extra is None else weight * extra
    return (each * weight).sum((1, 2)) / weight.sum((1, 2)).clamp(min=1e-30)


def soft_dice(logits: Tensor, target: Tensor, *, over_batch: bool = False) -> Tensor:
    """1 - 2 sum(p t) / (sum(p^2) + sum(t^2)) of each class, averaged over classes: (B, O, H, W), (B, H, W) -> (B,).

    p are probabilities, t the one-hot truth. One output is evaluated on the second of two classes alone.
    over_batch: sums run over all images together, which mixes rows: -> (1,)
    Source: Milletari et al. 2016, arXiv:1606.04797, section 3, with `SMOOTH` added to both sides of the fraction
    """
    known = counted(target)[:, None]
    truth = torch.where(known[:, 0], target, 0).long()
    if logits.shape[1] == 1:
        probs, hot = logits.sigmoid(), truth[:, None].to(logits.dtype)
    else:
        probs = logits.softmax(1)
        hot = torch.zeros_like(probs).scatter_(1, truth[:, None], 1.0)
    probs, hot = probs * known, hot * known
    both, sizes = (probs * hot).sum((2, 3)), (probs.square() + hot).sum((2, 3))  # (B, O); a one-hot is its own square
    if over_batch:
        both, sizes = both.sum(0, keepdim=True), sizes.sum(0, keepdim=True)
    return 1 - ((2 * both + SMOOTH) / (sizes + SMOOTH)).mean(1)
