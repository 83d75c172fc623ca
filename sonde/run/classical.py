"""A classical model beside the network: fitted on the same training rows and judged on the same others, where that takes seconds.

Its scores stand in result.json, and the report says which of the two is better beyond chance.
"""

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from sonde.core.catalogue import load
from sonde.core.damaged import DAMAGE
from sonde.core.dataset import Schema
from sonde.core.files import read_json
from sonde.core.run_folder import RunFolder
from sonde.metrics.intervals import LEVEL
from sonde.modalities.catalogue import modality
from sonde.report.answers import Answers, paired, read_answers
from sonde.run.build import Assembly

MOST_ROWS = 20_000
SECONDS, OF_LIMIT = 3.0, 0.05  # at most; of a run with a time limit that share of it
FEWEST_S = 0.3  # of a time limit's share, below which nothing is tried


def allowed_s(limit_s: float | None) -> float:
    """Seconds that it may take."""
    return SECONDS if limit_s is None else min(SECONDS, OF_LIMIT * limit_s)


def compared(assembly: Assembly, folder: RunFolder, split: str, metric: str) -> dict[str, Any]:
    """For result.json: the model in words, its scores on a split, and by how much the network's score is above its own.

    metric: the headline. Empty where there is no such model, for too many rows, and where there is no time
    """
    dataset, config, seconds = assembly.dataset, assembly.config, allowed_s(assembly.config.loop.limit_s)
    if dataset is None or not config.loop.classical or config.data.overfit_batches or split not in dataset.splits:
        return {}
    fitted, target = modality(dataset.schema.input.kind).classical, dataset.schema.target
    suits = target.has_classes or (target.has_values and len(target.names) == 1 and not target.masked)
    train, other = dataset.splits["train"], dataset.splits[split]
    if not fitted or not suits or seconds < FEWEST_S or max(len(train), len(other)) > MOST_ROWS or split == "train":
        return {}
    begun = time.perf_counter()
    truth = other.read(np.arange(len(other)))["target"].reshape(len(other), -1)[:, 0]
    if target.has_classes and len(np.unique(train.read(np.arange(len(train)))["target"])) < len(target.names):
        return {}  # a class without a training row has no probability
    found = load(fitted)(dataset.schema, train, other, seconds)
    if found is None:
        return {}
    what, predicted = found
    answers, scores = (_of_classes if target.has_classes else _of_values)(dataset.schema, truth, predicted)
    spent = round(time.perf_counter() - begun, 2)
    return {"what": what, "seconds": spent, **scores, **_difference(folder, split, metric, answers)}


def _of_classes(schema: Schema, truth: np.ndarray, predicted: np.ndarray) -> tuple[Answers, dict[str, float]]:
    """Answers and scores of probabilities (N, classes)."""
    from sklearn.metrics import balanced_accuracy_score, f1_score

    rows, target = np.arange(len(truth)), truth.astype(np.int64)
    found = predicted.argmax(1)
    losses = -np.log(np.clip(predicted[rows, target], 1e-15, 1.0))
    scores = {
        "accuracy": float((found == target).mean()),
        "balanced_accuracy": float(balanced_accuracy_score(target, found)),
        "macro_f1": float(f1_score(target, found, average="macro")),
        "log_loss": float(losses.mean()),
    }
    return Answers(rows=len(rows), index=rows, target=target, prediction=found, log_loss=losses, classes=True), scores


def _of_values(schema: Schema, truth: np.ndarray, predicted: np.ndarray) -> tuple[Answers, dict[str, float]]:
    """The same of values (N,), in the target's own units."""
    mean, scale = schema.target.mean[0], schema.target.std[0]
    target, found = mean + scale * truth.astype(np.float64), mean + scale * predicted.astype(np.float64)
    off, varies = found - target, float(np.square(target - target.mean()).sum())
    scores = {"rmse": float(np.sqrt(np.square(off).mean())), "mae": float(np.abs(off).mean())}
    if varies:
        scores["r2"] = 1 - float(np.square(off).sum()) / varies
    return Answers(rows=len(target), index=np.arange(len(target)), target=target, prediction=found), scores


def _difference(folder: RunFolder, split: str, metric: str, other: Answers) -> dict[str, list[float]]:
    """The interval of the network's score less this one's, of the rows whose answers by the network were kept."""
    path = folder.evaluation / split / "answers.json"
    try:
        details: Mapping[str, Any] = {"answers": read_json(path)}
        network = read_answers(details)
        if network is None:
            return {}
        rows = network.index
        same = Answers(
            rows=network.rows,
            index=rows,
            target=network.target,
            prediction=other.prediction[rows],
            log_loss=None if other.log_loss is None else other.log_loss[rows],
            classes=network.classes,
        )
        interval = paired([network], [same], metric, level=LEVEL)
    except (OSError, *DAMAGE):
        return {}
    return {} if interval is None else {"difference": [interval.low, interval.high]}
