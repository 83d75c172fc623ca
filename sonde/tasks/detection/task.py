"""Object detection: any number of objects of several classes in an image, each with a box."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.boxes import clipped
from sonde.core.dataset import TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.letterbox import fitted
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.losses.detection import image_losses
from sonde.metrics.detection import DetectionMeter, counted
from sonde.nn.assignment import Rule, task_aligned
from sonde.nn.nms import suppressed
from sonde.nn.points import point_grid
from sonde.tasks.detection.config import DetectionConfig
from sonde.tasks.detection.drawing import drawn
from sonde.tasks.supervised import objective, wide

MODES: Mapping[str, Literal["max", "min"]] = {
    "map": "max",
    "map50": "max",
    "map75": "max",
    "recall": "max",
    "f1": "max",
    "loss": "min",
}
CANDIDATES = 400  # of an image that suppression looks at: several for each of the 100 objects it may keep
# score below which nothing is a candidate: what would come after it changes no average precision by 0.001
LOWEST = 0.01
AT_ONCE = 16  # images whose candidates are compared together: bounds the (16, 400, 400) overlaps
SHOWN = 0.3  # score from which on a detection is shown, until a validation has chosen
# quality that every image adds to what a loss averages over, so that an empty one has a loss as well
UNCONDITIONAL = 1.0

# B images, P points, C classes, N objects and K detections of each


@runtime_checkable
class Dense(Protocol):
    """A network that outputs (B, P, 4 + C): boxes in pixels of its input and logits, from the middles of its maps' cells."""

    @property
    def strides(self) -> tuple[int, ...]: ...


class Detection:
    """Trains and evaluates a dense detector.

    Each object trains the cells that are best at it already (Feng et al. 2021, arXiv:2108.07755), their scores to be the IoU
    of their boxes (Li et al. 2020, arXiv:2006.04388) and their boxes to overlap (Rezatofighi et al. 2019, arXiv:1902.09630).
    """

    def __init__(
        self,
        model: nn.Module,
        target: TargetSpec,
        config: DetectionConfig,
        *,
        monitor: str | None = None,
    ) -> None:
        """Raises: ConfigError when the targets are no boxes, the model is no detector, or `monitor` is not a metric"""
        if target.kind != "boxes":
            raise ConfigError("task detection needs images annotated with boxes; leave --task detection out")
        if not isinstance(model, Dense):
            raise ConfigError(
                f"task detection needs a network that outputs boxes, which {type(model).__name__} does not; use "
                "--model detector-tiny"
            )
        self.modules = nn.ModuleDict({"model": model})
        self.target, self.config, self.names = target, config, target.names
        self.strides = model.strides
        self.threshold = SHOWN if config.score_threshold == "auto" else config.score_threshold
        self.phases: Sequence[Phase] = (Phase(name="model", loss=self.loss, trains=[model]),)
        modes: dict[str, Literal["max", "min"]] = {f"map/{name}": "max" for name in target.names}
        self.objective: Objective = objective("map", {**MODES, **modes}, monitor)
        self.abilities = Abilities(tune_threshold=self.tune_threshold, draw=self.draw)

    def loss(self, batch: Batch) -> Loss:
        """Class and box losses of all cells over the sum of the objects' qualities, which micro-batches scale by."""
        costs, quality = self._costs(batch, wide(self.modules["model"](batch["input"])))
        weight = quality.sum()
        classes, boxes = costs["classes"].sum() / weight, costs["boxes"].sum() / weight
        return Loss(classes + self.config.box_weight * boxes, weight, {"classes": classes, "boxes": boxes})

    def evaluate(self, batch: Batch) -> Mapping[str, Tensor]:
        """For the meter: found (B, K, 6) class, score and box, best first; target; loss and its weight of each image."""
        outputs = wide(self.modules["model"](batch["input"]))
        costs, quality = self._costs(batch, outputs)
        loss = (costs["classes"] + self.config.box_weight * costs["boxes"]) / quality
        found = self._found(outputs, batch["input"].shape)
        return {"found": found, "target": batch["target"], "loss": loss, "weight": quality}

    def meter(self) -> Meter:
        """A fresh one, with the current threshold."""
        return DetectionMeter(self.names, threshold=self.threshold)

    def tune_threshold(self, meter: Meter) -> None:
        """With --score-threshold auto, let a validation choose the threshold of the best F1."""
        if self.config.score_threshold == "auto" and isinstance(meter, DetectionMeter):
            self.threshold = meter.choose_threshold()

    def predict(self, batch: Batch) -> Mapping[str, Tensor]:
        """{"found": (B, K, 6)} as `evaluate`; boxes in pixels of the images' own sizes where the batch has `size` (B, 2)."""
        found = self._found(wide(self.modules["model"](batch["input"])), batch["input"].shape)
        return {"found": _own_pixels(found, batch["size"], batch["input"].shape) if "size" in batch else found}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One dict per image: prediction (in words) and objects, each with name, score and box (left, top, right, bottom)."""
        rows = []
        for image in outputs["found"].tolist():
            objects = [
                {"name": self.names[int(place)], "score": score, "box": [round(side, 1) for side in box]}
                for place, score, *box in image
                if place >= 0 and score >= self.threshold
            ]
            rows.append({"prediction": counted([entry["name"] for entry in objects]), "objects": objects})
        return rows

    def draw(self, pixels: np.ndarray, case: Mapping[str, Any]) -> np.ndarray:
        """Predictions in colours. pixels: (C, H, W) uint8;  case: an entry of `format_predictions`"""
        return drawn(pixels, case["objects"], self.names)

    def state_dict(self) -> dict[str, Any]:
        """The threshold, which a validation may have chosen."""
        return {"threshold": self.threshold}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Show from a saved threshold on."""
        self.threshold = float(state["threshold"])

    def _costs(self, batch: Batch, outputs: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Losses of each image by name, and what they are to be averaged over, (B,) each."""
        boxes, logits, target = outputs[..., :4], outputs[..., 4:], batch["target"]
        height, width = batch["input"].shape[2:]
        points = point_grid(height, width, self.strides, outputs.device)[:, :2]
        rule = Rule(most=self.config.cells_per_object, least=2.0 * self.strides[0])
        with torch.no_grad():
            quality, places = task_aligned(logits.sigmoid(), boxes, points, target, rule)
            if target.shape[1]:
                wanted = target.gather(1, places[..., None].expand(-1, -1, 5))
            else:  # no objects are known at all
                wanted = boxes.new_zeros(*boxes.shape[:2], 5)
        classes, overlap = image_losses(logits, boxes, quality, wanted, power=self.config.quality_power)
        return {"classes": classes, "boxes": overlap}, quality.sum(1) + UNCONDITIONAL

    def _found(self, outputs: Tensor, shape: Sequence[int]) -> Tensor:
        """(B, K, 6) class (-1 for none), score and box of what is left after suppression, the highest score first."""
        return torch.cat([self._of_piece(piece, shape) for piece in outputs.split(AT_ONCE)])

    def _of_piece(self, outputs: Tensor, shape: Sequence[int]) -> Tensor:
        boxes, probs = clipped(outputs[..., :4], shape[2], shape[3]), outputs[..., 4:].sigmoid()
        scores, places = probs.flatten(1).topk(min(CANDIDATES, probs.shape[1] * probs.shape[2]))
        boxes = boxes.gather(1, (places // probs.shape[2])[..., None].expand(-1, -1, 4))
        classes = torch.where(scores > LOWEST, places % probs.shape[2], -1)
        dropped = suppressed(boxes, scores, classes, self.config.nms_overlap)
        found = torch.cat([torch.where(dropped, -1, classes)[..., None], scores[..., None], boxes], -1)
        first = dropped.to(torch.uint8).argsort(dim=1, stable=True)[:, : self.config.most_objects]
        return found.gather(1, first[..., None].expand(-1, -1, 6))


def _own_pixels(found: Tensor, size: Tensor, shape: Sequence[int]) -> Tensor:
    """Boxes of letterboxed images in pixels of the images they were made from; size (B, 2) height and width of these."""
    moved = []
    for image, (height, width) in zip(found, size.tolist(), strict=True):
        inner_height, inner_width = fitted(height, width, (shape[2], shape[3]))
        scale = image.new_tensor([width / inner_width, height / inner_height] * 2)
        moved.append(torch.cat([image[:, :2], clipped(image[:, 2:] * scale, height, width)], 1))
    return torch.stack(moved)
