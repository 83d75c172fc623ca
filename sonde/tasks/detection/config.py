"""Settings of object detection: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class DetectionConfig:
    """Settings of object detection."""

    box_weight: float = 2.0
    """Weight of the box loss relative to the classification loss."""
    quality_power: float = 2.0
    """Exponent (beta) of the quality focal loss, which down-weights cells already right; 0 is cross-entropy."""
    cells_per_object: int = 13
    """Positive cells (anchor points) assigned to each object in training, at most."""
    nms_overlap: float = 0.6
    """IoU above which non-maximum suppression (NMS) drops the lower-scored of two detections of a class."""
    most_objects: int = 100
    """Most detections per image, the highest scores first."""
    score_threshold: float | Literal["auto"] = "auto"
    """Score from which on a detection is shown; auto maximises F1 on validation."""

    def __post_init__(self) -> None:
        if not self.box_weight >= 0:
            raise ConfigError(f"--box-weight must be at least 0, got {self.box_weight:g}")
        if not self.quality_power >= 0:
            raise ConfigError(f"--quality-power must be at least 0, got {self.quality_power:g}")
        for flag, number in (("cells-per-object", self.cells_per_object), ("most-objects", self.most_objects)):
            if number < 1:
                raise ConfigError(f"--{flag} must be at least 1, got {number}")
        if not 0 < self.nms_overlap <= 1:
            raise ConfigError(f"--nms-overlap must be above 0 and at most 1, got {self.nms_overlap:g}")
        if self.score_threshold != "auto" and not 0 < self.score_threshold < 1:
            raise ConfigError(f"--score-threshold must lie between 0 and 1, or be auto, got {self.score_threshold:g}")
