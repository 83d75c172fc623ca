"""Whether a predicted outline lies where the true one does: the boundary F1 of class maps."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.core.dataset import IGNORED
from sonde.metrics.mean import Mean

# B rows, K classes that are evaluated, H height, W width


def outline(masks: Tensor) -> Tensor:
    """(B, K, H, W) bool: the pixels of each mask that touch one outside it, diagonals included; an image's edge is none."""
    return masks & _grown(~masks, 1)


def near(masks: Tensor, distance: int) -> Tensor:
    """(B, K, H, W) bool: pixels at most `distance` rows and columns from one of the mask's."""
    return _grown(masks, distance) if distance else masks


def _grown(masks: Tensor, reach: int) -> Tensor:
    return F.max_pool2d(masks.float(), 2 * reach + 1, stride=1, padding=reach) > 0


class Boundaries:
    """F1 of outlines per image and class, averaged over those that have one in truth or prediction.

    Precision is the share of the predicted outline that is near a true one, recall the share of the true one that is near
    a predicted one; near means at most `tolerance` pixels in rows and in columns. Outlines beside ignored pixels are not
    evaluated.
    Source: Csurka et al. 2013, What is a good evaluation measure for semantic segmentation?, BMVC
    """

    def __init__(self, classes: Sequence[int], *, tolerance: int) -> None:
        """classes: numbers of those that are evaluated."""
        self.classes, self.tolerance = tuple(classes), tolerance
        self.mean = Mean()

    def update(self, prediction: Tensor, target: Tensor) -> None:
        """Add class maps (B, H, W)."""
        number = torch.tensor(self.classes, device=target.device).view(1, -1, 1, 1)
        ours, truth = outline(prediction[:, None] == number), outline(target[:, None] == number)
        evaluated = ~near((target == IGNORED)[:, None], self.tolerance + 1)
        ours, truth = ours & evaluated, truth & evaluated
        precision = _share(ours, near(truth, self.tolerance))
        recall = _share(truth, near(ours, self.tolerance))
        f1 = 2 * precision * recall / (precision + recall).clamp(min=1e-12)
        there = (ours | truth).any(3).any(2)
        self.mean.update(f1.flatten(), there.flatten())

    def merge(self, other: "Boundaries") -> None:
        """Add another process's sums."""
        self.mean.merge(other.mean)

    def value(self) -> float:
        """The mean; NaN where no image had an outline."""
        return float(self.mean.value())


def _share(lines: Tensor, close: Tensor) -> Tensor:
    """(B, K): the share of an outline's pixels that are in `close`; 0 without an outline."""
    return (lines & close).sum((2, 3)) / lines.sum((2, 3)).clamp(min=1)
