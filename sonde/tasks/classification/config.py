"""Settings of classification: its flags."""

from dataclasses import dataclass
from typing import Literal

from sonde.core.errors import ConfigError

LossName = Literal["cross-entropy", "focal", "perceptron", "squared-error"]


@dataclass(frozen=True, kw_only=True)
class ClassificationConfig:
    """Settings of classification."""

    loss: LossName = "cross-entropy"
    """Loss function; squared-error is computed on the probabilities, perceptron is the perceptron rule (Rosenblatt 1958)."""
    label_smoothing: float = 0.0
    """Label smoothing: share of each target spread uniformly over all classes; for cross-entropy."""
    class_weights: tuple[float | Literal["balanced", "none"], ...] = ()
    """Class weights of the loss: balanced (inversely proportional to class frequency), or one number per class (or label).
    A row counts by its own class, also with label smoothing (as in Keras, not as in torch)."""
    focal_gamma: float = 2.0
    """Focusing parameter (gamma) of the focal loss, which down-weights well-classified rows; 0 is cross-entropy."""
    threshold: float | Literal["auto"] = 0.5
    """Probability from which on the second of two classes, or a label, is predicted; auto maximises F1 on validation."""
    mirrored: bool = False
    """Average predictions over each image and its horizontal flip (test-time augmentation); takes twice as long."""

    def __post_init__(self) -> None:
        given = (self.class_weights,) if isinstance(self.class_weights, str) else self.class_weights
        object.__setattr__(self, "class_weights", () if given == ("none",) else tuple(given))
        numbers = [weight for weight in self.class_weights if not isinstance(weight, str)]
        if len(numbers) < len(self.class_weights) and self.class_weights != ("balanced",):
            raise ConfigError("--class-weights takes balanced, none, or one number per class")
        if any(not weight >= 0 for weight in numbers) or (numbers and not sum(numbers) > 0):
            raise ConfigError(f"--class-weights must be at least 0 and not all 0, got {' '.join(map(str, numbers))}")
        if not 0 <= self.label_smoothing < 1:
            raise ConfigError(f"--label-smoothing must be at least 0 and below 1, got {self.label_smoothing:g}")
        if self.label_smoothing and self.loss != "cross-entropy":
            raise ConfigError(f"--label-smoothing is for --loss cross-entropy, not {self.loss}; leave one out")
        if not self.focal_gamma >= 0:
            raise ConfigError(f"--focal-gamma must be at least 0, got {self.focal_gamma:g}")
        if self.threshold != "auto" and not 0 < self.threshold < 1:
            raise ConfigError(f"--threshold must lie between 0 and 1, or be auto, got {self.threshold:g}")
