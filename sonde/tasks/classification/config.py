"""Settings of classification: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError

LossName = Literal["cross-entropy", "focal", "perceptron", "squared-error"]


@dataclass(frozen=True, kw_only=True)
class ClassificationConfig:
    """Settings of classification."""

    loss: LossName = "cross-entropy"
    """What is minimised; squared-error is that of the probabilities, perceptron the rule of 1958."""
    label_smoothing: float = 0.0
    """Share of each target spread evenly over all classes; for cross-entropy."""
    class_weights: tuple[float | Literal["balanced", "none"], ...] = ()
    """How much rows count: balanced makes every class count alike, or one number per class (or label)."""
    focal_gamma: float = 2.0
    """How strongly the focal loss passes over rows already right; 0 is cross-entropy."""
    threshold: float | Literal["auto"] = 0.5
    """Probability from which on the second of two classes, or a label, is called; auto takes the best F1 on validation."""
    mirrored: bool = False
    """Judge and predict images by the mean over each and its mirror image; it takes twice the time."""

    def __post_init__(self) -> None:
        given = (self.class_weights,) if isinstance(self.class_weights, str) else self.class_weights
        object.__setattr__(self, "class_weights", () if given == ("none",) else tuple(given))
        numbers = [weight for weight in self.class_weights if not isinstance(weight, str)]
        if len(numbers) < len(self.class_weights) and self.class_weights != ("balanced",):
            raise ConfigError("--class-weights takes balanced, none, or one number per class")
        if any(not weight >= 0 for weight in numbers) or (numbers and not sum(numbers) > 0):
            raise ConfigError(f"--class-weights must be at least 0 and not all 0, got {' '.join(map(str, numbers))}")
        if not 0 <= self.label_smoothing < 1:
            raise ConfigError(f"--label-smoothing must lie from 0 to below 1, got {self.label_smoothing:g}")
        if self.label_smoothing and self.loss != "cross-entropy":
            raise ConfigError(f"--label-smoothing is for --loss cross-entropy, not {self.loss}; leave one out")
        if not self.focal_gamma >= 0:
            raise ConfigError(f"--focal-gamma must be at least 0, got {self.focal_gamma:g}")
        if self.threshold != "auto" and not 0 < self.threshold < 1:
            raise ConfigError(f"--threshold must lie between 0 and 1, or be auto, got {self.threshold:g}")
