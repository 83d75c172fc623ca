"""Evaluation of a detector, batch by batch: average precision as COCO counts it, and what it does at one threshold."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sonde.metrics.classification import mean_of_defined
from sonde.metrics.detection_interval import map_offsets
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.matching import RECALLS, THRESHOLDS, matched, precision_at_recalls
from sonde.metrics.mean import Mean
from sonde.metrics.top_k import TopRows

WORST, BEST = 12, 4  # images kept
HALF, THREE_QUARTERS = 0, 5  # places of 0.5 and 0.75 among the thresholds

# B images, K detections and N objects of each, D detections in all, T thresholds of IoU, C classes


class Detections(NamedTuple):
    """Detections of many images. image, classes: (D,) int64; score: (D,) float64; right: (D, T) bool."""

    image: Tensor
    classes: Tensor
    score: Tensor
    right: Tensor


class DetectionMeter:
    """Keeps of each detection its class, score and whether it is right; of each class how many objects there are.

    metrics: map (mean over classes and IoU thresholds 0.50, 0.55 … 0.95), map50, map75, recall (of at most so many detections
             an image as the task gives, averaged), f1 at IoU 0.5 and the score `threshold`, loss, and map/NAME of each
             class that has objects
    """

    def __init__(self, names: Sequence[str], *, threshold: float) -> None:
        """threshold: the score from which on a detection is shown."""
        self.names, self.threshold = list(names), threshold
        self.objects = torch.zeros(len(self.names), dtype=torch.int64)
        self.pieces: list[Detections] = []
        self.images: list[Tensor] = []
        self.owners: list[Tensor] = []  # (N, 2) image and class of each object
        self.loss = Mean()
        self.first_nan = FirstNaN()
        self.worst, self.best = TopRows(WORST), TopRows(BEST)

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add images: found (B, K, 6) class, score and box, best first; target (B, N, 5); loss (B,) and its weight (B,)."""
        # on the host: matching is many small steps in double precision, which some devices are slow at or do not have
        found, target, loss = (outputs[name].detach().cpu() for name in ("found", "target", "loss"))
        self.first_nan.update(loss, index)
        self.loss.update(loss, outputs["weight"].detach().cpu())
        for rank, top in ((loss, self.worst), (-loss, self.best)):
            top.update(rank, index, _levelled(top, {"found": found, "target": target}))
        classes = target[..., 0][target[..., 0] >= 0].long()
        self.objects += torch.bincount(classes, minlength=len(self.names))
        there = torch.nonzero(target[..., 0] >= 0)[:, 0]  # the image of each object, in the same order
        self.images.append(index.cpu())
        self.owners.append(torch.stack([index.cpu()[there], classes], 1))
        right, valid = matched(found, target), found[..., 0] >= 0
        image = index.cpu()[:, None].expand(valid.shape)
        self.pieces.append(
            Detections(image[valid], found[..., 0][valid].long(), found[..., 1][valid].double(), right[valid])
        )

    def merge(self, other: "DetectionMeter") -> None:
        """Add another process's images."""
        self.objects += other.objects
        for name in ("pieces", "images", "owners"):
            getattr(self, name).extend(getattr(other, name))
        self.first_nan.merge(other.first_nan)
        self.loss.merge(other.loss)
        for mine, theirs in ((self.worst, other.worst), (self.best, other.best)):
            theirs.rows = _levelled(mine, theirs.rows)
            mine.merge(theirs)

    def compute(self) -> dict[str, float]:
        """All metrics over all images so far; NaN where there are no objects. Raises: NonFinite when a loss was NaN."""
        self.first_nan.refuse()
        ordered = self._ordered()
        precision = self._precision(ordered)  # (C, T, 101)
        each = precision.mean(-1)  # (C, T)
        recall = [
            float(ordered.right[ordered.classes == place].double().sum(0).mean()) / count if count else math.nan
            for place, count in enumerate(self.objects.tolist())
        ]
        hits, shown = self._at_threshold(ordered)
        return {
            "map": mean_of_defined(each.mean(1).tolist()),
            "map50": mean_of_defined(each[:, HALF].tolist()),
            "map75": mean_of_defined(each[:, THREE_QUARTERS].tolist()),
            "recall": mean_of_defined(recall),
            "f1": 2 * int(hits.sum()) / max(1, int(shown.sum() + self.objects.sum())),
            "threshold": self.threshold,
            "loss": float(self.loss.value()),
            **{
                f"map/{name}": value
                for name, value in zip(self.names, each.mean(1).tolist(), strict=True)
                if value == value
            },
        }

    def choose_threshold(self) -> float:
        """Evaluate, from now on and over the images so far, at the score with the best F1 of all classes together; return it."""
        ordered = self._ordered()
        if not len(ordered.score) or not int(self.objects.sum()):
            return self.threshold
        hits = ordered.right[:, HALF].double().cumsum(0)
        shown = torch.arange(1, len(hits) + 1, dtype=torch.float64)
        last = torch.ones(len(hits), dtype=torch.bool)  # of its ties: a threshold shows all of one score or none
        last[:-1] = ordered.score[1:] != ordered.score[:-1]
        f1 = torch.where(last, 2 * hits / (shown + float(self.objects.sum())), 0)
        self.threshold = float(ordered.score[int(f1.argmax())])
        return self.threshold

    def details(self) -> dict[str, Any]:
        """per_class at the threshold, precision_recall at IoU 0.5, intervals, worst and best (docs/run-folder.md)."""
        ordered = self._ordered()
        precision = self._precision(ordered)
        hits, shown = self._at_threshold(ordered)
        objects = self.objects.double()
        half = precision[:, HALF]
        return {
            "per_class": {
                "names": self.names,
                "unit": "objects",
                "precision": (hits / shown.clamp(min=1)).tolist(),
                "recall": (hits / objects.clamp(min=1)).tolist(),
                "f1": (2 * hits / (shown + objects).clamp(min=1)).tolist(),
                "support": self.objects.tolist(),
                "map50": _listed(half.mean(-1)),
                "map": _listed(precision.mean((1, 2))),
            },
            "precision_recall": {
                "names": self.names,
                "recall": RECALLS.tolist(),
                "precision": [_listed(curve) for curve in half],
            },
            "intervals": self._intervals(ordered, precision),
            "worst": [self._case(place, self.worst) for place in range(len(self.worst.rows["index"]))],
            "best": [self._case(place, self.best) for place in range(len(self.best.rows["index"]))],
        }

    def _ordered(self) -> Detections:
        """All detections, the highest score first; equal ones in the order of their images, however they were batched."""
        joined = Detections(*(torch.cat(parts) for parts in zip(*self.pieces, strict=True)))
        order = joined.image.argsort(stable=True)
        order = order[joined.score[order].argsort(descending=True, stable=True)]
        return Detections(*(part[order] for part in joined))

    def _precision(self, ordered: Detections) -> Tensor:
        """(C, T, 101) precision at each recall, NaN for classes without objects."""
        found = torch.full((len(self.names), len(THRESHOLDS), len(RECALLS)), math.nan, dtype=torch.float64)
        for place, count in enumerate(self.objects.tolist()):
            if count:
                found[place] = precision_at_recalls(ordered.right[ordered.classes == place], count)
        return found

    def _intervals(self, ordered: Detections, precision: Tensor) -> dict[str, list[float]]:
        """Of map, map50 and map75, over images."""
        found = map_offsets(
            (ordered.image.numpy(), ordered.classes.numpy(), ordered.right.numpy()),
            torch.cat(self.owners).numpy(),
            torch.cat(self.images).numpy(),
            len(self.names),
        )
        each = precision.mean(-1)
        values = {"map": each.mean(1), "map50": each[:, HALF], "map75": each[:, THREE_QUARTERS]}
        means = {name: mean_of_defined(value.tolist()) for name, value in values.items()}
        return {
            name: [max(0.0, means[name] + off.low), min(1.0, means[name] + off.high)] for name, off in found.items()
        }

    def _at_threshold(self, ordered: Detections) -> tuple[Tensor, Tensor]:
        """(right, all) detections of each class that are shown, (C,) float64; right means at IoU 0.5."""
        shown = ordered.score >= self.threshold
        classes = ordered.classes[shown]
        hit = ordered.right[shown, HALF].double()
        right = torch.zeros(len(self.names), dtype=torch.float64).index_add_(0, classes, hit)
        return right, torch.bincount(classes, minlength=len(self.names)).double()

    def _case(self, place: int, top: TopRows) -> dict[str, Any]:
        rows = top.rows
        truth = [{"name": self.names[int(c)], "box": box} for c, *box in rows["target"][place].tolist() if c >= 0]
        found = [
            {"name": self.names[int(c)], "score": score, "box": box}
            for c, score, *box in rows["found"][place].tolist()
            if c >= 0 and score >= self.threshold
        ]
        return {
            "index": int(rows["index"][place]),
            "target": counted([entry["name"] for entry in truth]),
            "prediction": counted([entry["name"] for entry in found]),
            "confidence": None,
            "loss": abs(float(rows["rank"][place])),
            "truth": truth,
            "objects": found,
        }


def counted(names: Sequence[str]) -> str:
    """What is in an image, in words.

    >>> counted(["cell", "plate", "cell"]), counted([])
    ('2 cell, 1 plate', 'nothing')
    """
    counts = {name: names.count(name) for name in sorted(set(names))}
    return ", ".join(f"{number} {name}" for name, number in counts.items()) or "nothing"


def _levelled(top: TopRows, offered: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Kept and offered rows with as many places for boxes: each batch may have as many as its fullest image needs."""
    levelled = dict(offered)
    for name in ("found", "target"):
        if name in top.rows and name in offered:
            most = max(top.rows[name].shape[1], offered[name].shape[1])
            top.rows[name], levelled[name] = _with_places(top.rows[name], most), _with_places(offered[name], most)
    return levelled


def _with_places(boxes: Tensor, most: int) -> Tensor:
    """(B, N, …) -> (B, most, …); new places are empty: of class -1."""
    return F.pad(boxes, (0, 0, 0, most - boxes.shape[1]), value=-1.0)


def _listed(values: Tensor) -> list[float | None]:
    """For JSON, which has no NaN."""
    return [None if value != value else value for value in values.tolist()]
