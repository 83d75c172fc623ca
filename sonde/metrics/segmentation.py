"""Evaluation of class maps, batch by batch: pixels counted, boundaries compared, objects matched where there are instances."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sonde.core.dataset import BACKGROUND, IGNORED
from sonde.core.run_lengths import encode
from sonde.core.units import share
from sonde.metrics.boundaries import Boundaries
from sonde.metrics.by_row import ByRow, sums_table
from sonde.metrics.classification import class_table, mean_of_defined, scores_of
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.mean import Mean, Total
from sonde.metrics.objects import Objects
from sonde.metrics.top_k import TopRows

WORST, BEST = 12, 6  # images stored whole, to be drawn
TOLERANCE = 2  # pixels
LISTED = 3  # classes of one image
MOST_COUNTS = 60_000  # images x classes of which pixels are kept: 1 MB

# B rows, C classes, H height, W width


class SegmentationMeter:
    """Adds up class maps and truths; pixels that are IGNORED in the truth count nowhere.

    metrics: dice, the mean of 2 |A and B| / (|A| + |B|) over the classes other than background; miou, the mean
             intersection over union of all classes that occur; pixel_accuracy; boundary_f1; object_f1 and count_error where
             true objects are known one by one; loss (the task's own). Pixels of all images are pooled.
    """

    def __init__(self, names: Sequence[str], *, tolerance: int = TOLERANCE, smallest_object: int = 0) -> None:
        """tolerance: pixels a predicted outline may be off; smallest_object: pixels below which none is counted."""
        self.names = list(names)
        self.wanted = [number for number, name in enumerate(self.names) if name != BACKGROUND]
        self.confusion = Total()  # (C, C) int64 pixels: rows truth, columns prediction
        self.first_nan = FirstNaN()
        self.loss, self.boundaries = Mean(), Boundaries(self.wanted, tolerance=tolerance)
        self.objects = Objects(smallest=smallest_object)
        self.worst, self.best = TopRows(WORST), TopRows(BEST)
        self.by_row = ByRow(most=max(1, MOST_COUNTS // len(self.names)))

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: prediction and target (B, H, W), loss and its weight (B,), and objects (B, H, W) where there are any."""
        prediction, target, loss = outputs["prediction"], outputs["target"], outputs["loss"].detach()
        self.first_nan.update(loss, index)
        known = target != IGNORED
        place = target[known].long() * len(self.names) + prediction[known].long()
        counts = torch.bincount(place, minlength=len(self.names) ** 2)
        self.confusion.add(counts.view(len(self.names), -1))
        self.loss.update(loss, outputs["weight"])
        self._by_image(prediction, target, index)
        self.boundaries.update(prediction, target)
        fields = {"prediction": prediction, "target": target}
        if "objects" in outputs:
            fields["counts"] = self._count(prediction, target, outputs["objects"])
        self.worst.update(loss, index, fields)
        self.best.update(-loss, index, fields)

    def merge(self, other: "SegmentationMeter") -> None:
        """Add another process's sums."""
        for name in ("confusion", "loss", "boundaries", "objects", "worst", "best", "first_nan", "by_row"):
            getattr(self, name).merge(getattr(other, name))

    def compute(self) -> dict[str, float]:
        """All metrics over all rows so far, the task's own first. Raises: NonFinite when an output was NaN."""
        self.first_nan.refuse()
        confusion = self.confusion.value()
        _, _, dice = scores_of(confusion)
        seen = (confusion.sum(0) + confusion.sum(1)) > 0
        found = {
            "dice": mean_of_defined([float(dice[c]) if seen[c] else float("nan") for c in self.wanted]),
            "miou": float(_iou(dice)[seen].mean()),
            "pixel_accuracy": float(confusion.diagonal().sum() / confusion.sum()),
            "boundary_f1": self.boundaries.value(),
        }
        if len(self.names) > 2:  # what such data are usually evaluated by comes first
            found = {"miou": found["miou"], **found}
        if self.objects.rows:
            found |= self.objects.compute()
        return {**found, "loss": float(self.loss.value())}

    def details(self) -> dict[str, Any]:
        """confusion and per_class in pixels, also by image, worst and best images; objects where they are known
        (docs/run-folder.md)."""
        confusion = self.confusion.value()
        scores = scores_of(confusion)
        found: dict[str, Any] = {
            "confusion": {"names": self.names, "counts": confusion.long().tolist(), "unit": "pixels"},
            "per_class": {**class_table(self.names, scores, confusion.sum(1)), "iou": _iou(scores[2]).tolist()},
            "worst": self._formatted(self.worst, sign=1),
            "best": self._formatted(self.best, sign=-1),
            "sums": sums_table(self.by_row, "images", wanted=self.wanted),
        }
        if self.objects.rows:
            found["objects"] = self.objects.counts()
        return found

    def _by_image(self, prediction: Tensor, target: Tensor, index: Tensor) -> None:
        """Keep of each image the pixels of every class, (B, C) each, that agree, are predicted and are true."""
        width, known = len(self.names), target != IGNORED
        rows = torch.arange(len(target), device=target.device)[:, None, None].expand_as(target)
        sums = {}
        for name, classes, counted in (
            ("agree", target, known & (prediction == target)),
            ("predicted", prediction, known),
            ("actual", target, known),
        ):
            place = rows[counted] * width + classes[counted].long()
            sums[name] = torch.bincount(place, minlength=len(target) * width).view(-1, width)
        self.by_row.update(index.to(target.device), **sums)

    def _count(self, prediction: Tensor, target: Tensor, objects: Tensor) -> Tensor:
        """(B, 2) int64: objects predicted and true in each image; all are added to the sums."""
        arrays = (field.cpu().numpy() for field in (prediction, target, objects))
        return torch.tensor([self.objects.update(*image) for image in zip(*arrays, strict=True)])

    def _formatted(self, top: TopRows, *, sign: int) -> list[dict[str, Any]]:
        """Rows for a person: what there is and what was predicted, in words and as maps (sonde.core.run_lengths)."""
        rows, formatted = top.rows, []
        for place, index in enumerate(rows["index"].tolist()):
            prediction, target = rows["prediction"][place], rows["target"][place]
            counts = rows["counts"][place].tolist() if "counts" in rows else (None, None)
            known = target != IGNORED
            formatted.append(
                {
                    "index": index,
                    "target": self._words(target[known], counts[1]),
                    "prediction": self._words(prediction[known], counts[0]),
                    "confidence": None,
                    "loss": sign * float(rows["rank"][place]),
                    "truth": encode(target.cpu().numpy()),
                    "found": encode(prediction.cpu().numpy()),
                }
            )
        return formatted

    def _words(self, pixels: Tensor, objects: int | None) -> str:
        """ "12 objects, foreground 7.7 %": the most frequent classes of some pixels (N,), background aside."""
        counts = torch.bincount(pixels.flatten().long(), minlength=len(self.names))
        common = sorted((c for c in self.wanted if counts[c]), key=lambda c: -int(counts[c]))[:LISTED]
        words = [f"{self.names[c]} {share(int(counts[c]) / len(pixels), 1)}" for c in common] or ["nothing"]
        return ", ".join(words if objects is None else [f"{objects} object{'s' * (objects != 1)}", *words])


def _iou(dice: Tensor) -> Tensor:
    """Intersection over union from Dice, of the same sets."""
    return dice / (2 - dice)
