"""Segmentation: one of two or more classes for every pixel."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.dataset import BACKGROUND, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses.segmentation import counted, gaps, pixel_cross_entropy, soft_dice
from sonde.metrics.objects import components
from sonde.metrics.segmentation import SegmentationMeter
from sonde.tasks.segmentation.config import SegmentationConfig
from sonde.tasks.segmentation.drawing import painted
from sonde.tasks.supervised import check_shape, mean_loss, objective, wide

MODES: Mapping[str, Literal["max", "min"]] = {
    "dice": "max",
    "miou": "max",
    "pixel_accuracy": "max",
    "boundary_f1": "max",
    "loss": "min",
}
FLIPS = ((), (3,), (2,), (2, 3))  # axes that are flipped

# B rows, O outputs of the model (1 for two classes, else C), C classes, H height, W width


class Segmentation:
    """Trains and evaluates one model on a class for every pixel.

    Models output a map of one logit for two classes, else one per class: (B, O, H, W).
    Seams between touching objects: after Ronneberger et al. 2015, arXiv:1505.04597, section 3, on the pixels that touch.
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: SegmentationConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError when the targets are no masks, a setting does not suit them, or `monitor` is not a metric"""
        _check(target, config)
        self.modules = nn.ModuleDict({"model": model})
        self.target, self.config, self.names = target, config, target.names
        self.across_rows: Sequence[str] = ("batch Dice",) if config.batch_dice else ()
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model]),)
        own = "dice" if target.out_dim == 1 else "miou"
        self.objective: Objective = objective(own, MODES, monitor)
        self.abilities = Abilities(draw=self.draw)

    def loss(self, batch: Batch) -> Loss:
        """The mean over images that have a pixel which counts; what micro-batches scale by comes with it."""
        logits, target, extra = self._logits(batch["input"]), batch["target"], None
        if self.config.gap_weight and "objects" in batch:
            seam = gaps(batch["objects"]) & counted(target)
            target, extra = torch.where(seam, 0, target), 1 + self.config.gap_weight * seam
        weight = _countable(target).to(logits.dtype)
        parts = {name: mean_loss(each, weight, len(batch)) for name, each in self._terms(logits, target, extra).items()}
        if self.config.batch_dice:
            parts["dice"] = Loss(soft_dice(logits, target, over_batch=True)[0], weight.sum())
        value = torch.stack([part.value for part in parts.values()]).sum()
        return Loss(value, weight.sum(), {name: part.value for name, part in parts.items()} if len(parts) > 1 else {})

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: prediction (B, H, W) uint8, target, loss and its weight (B,), and the objects where there are any."""
        logits, target = self._logits(batch["input"]), batch["target"]
        loss = torch.stack(list(self._terms(logits, target).values())).sum(0)
        probs = self._mean_probs(batch["input"]) if self.config.mirrored else _probs(logits)
        found = {"prediction": self._called(probs), "target": target, "loss": loss, "weight": _countable(target)}
        return {**found, "objects": batch["objects"]} if "objects" in batch else found

    def meter(self) -> Meter:
        """A fresh one."""
        config = self.config
        return SegmentationMeter(
            self.names, tolerance=config.boundary_tolerance, smallest_object=config.smallest_object
        )

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"probs": (B, O, H, W)}, and "size" (B, 2) of the images as they came where the batch has it."""
        input = batch["input"]
        probs = self._mean_probs(input) if self.config.mirrored else _probs(self._logits(input))
        return {"probs": probs, "size": batch["size"]} if "size" in batch else {"probs": probs}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per image, at its own size where that is known: prediction, the most frequent class that is not background;
        the number of its connected areas as objects; shares of the pixels by class; and the class map (H, W) as mask.
        """
        rows = []
        sizes = outputs["size"].tolist() if "size" in outputs else [None] * len(outputs["probs"])
        for probs, size in zip(outputs["probs"], sizes, strict=True):
            if size is not None and tuple(size) != tuple(probs.shape[1:]):
                probs = F.interpolate(probs[None], size=tuple(size), mode="bilinear", align_corners=False)[0]
            mask = self._called(probs[None])[0].cpu().numpy()
            counts = np.bincount(mask.ravel(), minlength=len(self.names))
            named = dict(zip(self.names, (counts / counts.sum()).tolist(), strict=True))
            wanted = {name: share for name, share in named.items() if name != BACKGROUND and share > 0}
            rows.append(
                {
                    "prediction": max(wanted, key=lambda name: wanted[name], default=BACKGROUND),
                    "objects": int(components(mask, smallest=self.config.smallest_object).max()),
                    "shares": named,
                    "mask": mask,
                }
            )
        return rows

    def draw(self, pixels: np.ndarray, case: Mapping[str, Any]) -> np.ndarray:
        """The image under its prediction. pixels: (C, H, W) uint8; case: an entry of `format_predictions`"""
        return painted(pixels, case["mask"], self.names)

    def _logits(self, input: Tensor) -> Tensor:
        """(B, O, H, W). Raises: ConfigError for a model that does not output a map."""
        logits = wide(self.modules["model"](input))
        expected = (len(input), self.target.out_dim, *input.shape[2:])
        check_shape(logits, expected, "task segmentation needs a map of logits {}", model="unet-small")
        return logits

    def _terms(self, logits: Tensor, target: Tensor, extra: Tensor | None = None) -> dict[str, Tensor]:
        """Losses of each image (B,) by name."""
        weights = torch.tensor(self.config.class_weights, device=logits.device) if self.config.class_weights else None
        found = {}
        if self.config.loss != "dice":
            found["cross_entropy"] = pixel_cross_entropy(logits, target, weights, extra)
        if self.config.loss != "cross-entropy":
            found["dice"] = soft_dice(logits, target)
        return found

    def _mean_probs(self, input: Tensor) -> Tensor:
        """Probabilities averaged over the flips of the image, each flipped back: (B, O, H, W)."""
        views = [_probs(self._logits(input.flip(axes))).flip(axes) for axes in FLIPS]
        return torch.stack(views).mean(0)

    def _called(self, probs: Tensor) -> Tensor:
        """(B, O, H, W) -> (B, H, W) uint8."""
        if probs.shape[1] == 1:
            return (probs[:, 0] >= self.config.mask_threshold).to(torch.uint8)
        return probs.argmax(1).to(torch.uint8)


def _probs(logits: Tensor) -> Tensor:
    """Of the second of two classes, or of all: (B, O, H, W)."""
    return logits.sigmoid() if logits.shape[1] == 1 else logits.softmax(1)


def _countable(target: Tensor) -> Tensor:
    """(B,) 1 for images with a pixel that counts."""
    return counted(target).flatten(1).any(1).float()


def _check(target: TargetSpec, config: SegmentationConfig) -> None:
    if target.kind != "mask":
        raise ConfigError("task segmentation needs a mask for each image; leave --task segmentation out")
    if config.class_weights and len(config.class_weights) != len(target.names):
        raise ConfigError(
            f"--class-weights gives {len(config.class_weights)} numbers for {len(target.names)} classes "
            f"({', '.join(target.names[:5])}{', …' if len(target.names) > 5 else ''}); give one per class"
        )
    if config.mask_threshold != 0.5 and len(target.names) > 2:
        raise ConfigError(f"--mask-threshold is for two classes, and there are {len(target.names)}")
