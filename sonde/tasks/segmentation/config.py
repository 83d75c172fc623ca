"""Settings of segmentation: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError

LossName = Literal["cross-entropy", "dice", "both"]


@dataclass(frozen=True, kw_only=True)
class SegmentationConfig:
    """Settings of segmentation."""

    loss: LossName = "both"
    """Loss function: cross-entropy of the pixels, Dice of the classes, or the sum of both."""
    batch_dice: bool = False
    """Compute Dice over the whole batch instead of each image, more stable for rare classes; --accumulate then changes it."""
    class_weights: tuple[float, ...] = ()
    """Class weights of the cross-entropy, one number per class."""
    gap_weight: float = 0.0
    """With instance masks: extra weight of pixels where two objects touch, trained as background; 0 turns this off."""
    mask_threshold: float = 0.5
    """Probability from which on the second of two classes is predicted."""
    mirrored: bool = False
    """Average predictions over horizontal and vertical flips (test-time augmentation); takes four times as long."""
    boundary_tolerance: int = 2
    """Tolerance of boundary F1: pixels that a predicted boundary may be off the true one."""
    smallest_object: int = 0
    """Connected components of fewer pixels are not counted as objects."""

    def __post_init__(self) -> None:
        if any(not weight >= 0 for weight in self.class_weights) or (
            self.class_weights and not sum(self.class_weights) > 0
        ):
            given = " ".join(map(str, self.class_weights))
            raise ConfigError(f"--class-weights must be at least 0 and not all 0, got {given}")
        if self.class_weights and self.loss == "dice":
            raise ConfigError("--class-weights are for cross-entropy, not --loss dice; leave one out")
        if self.batch_dice and self.loss == "cross-entropy":
            raise ConfigError("--batch-dice is for Dice, not --loss cross-entropy; leave one out")
        if not 0 < self.mask_threshold < 1:
            raise ConfigError(f"--mask-threshold must lie between 0 and 1, got {self.mask_threshold:g}")
        for name in ("boundary_tolerance", "smallest_object", "gap_weight"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"--{name.replace('_', '-')} must be at least 0, got {getattr(self, name):g}")
