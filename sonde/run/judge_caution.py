"""Why what was measured of samples may mean little: a judge certain of all or of nothing, samples better than real rows."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from sonde.core.units import metric_name, number, share
from sonde.metrics.intervals import wilson
from sonde.run.judge import Seen

CERTAIN = 0.999  # probability of the class that a judge takes a row for
NEARLY_ALL = 0.98  # of the real rows
WITHIN = 0.1  # of the variance of what it sees, that is left within its classes
SURE = 1.96  # standard errors

# N rows, D features, C classes


def saturated(real: Seen) -> list[str]:
    """What is to be said of a judge whose last layer sees little of real rows but their class; nothing of others.

    A network that is trained on after it is right about all rows draws those of a class together (Papyan, Han and Donoho 2020,
    arXiv:2008.08186): distances then compare how often classes are there, and small ones say nothing of the rows themselves.
    """
    if not len(real.classes):
        return []
    certain = float((real.certain > CERTAIN).double().mean())
    within = share_within(real.features.double(), real.classes)
    if certain < NEARLY_ALL or within >= WITHIN:
        return []
    return [
        f"the judge is certain (probability above {CERTAIN:g}) of {share(certain, 1)} of the real rows, and {share(within, 1)} "
        "of the variance of what it sees is left within its classes: its distances tell little but how often classes are there; "
        "judge by a run that was trained for fewer epochs"
    ]


def no_better_than_guessing(right: int, truth: torch.Tensor) -> list[str]:
    """What is to be said of a judge that is right about `right` of the real rows, of classes (N,), no more than by guessing."""
    guess = int(truth.bincount().max()) / len(truth)
    if wilson(right, len(truth)).low > guess:
        return []
    return [
        f"the judge is right about {share(right / len(truth), 1)} of the real rows, and always naming their most frequent class "
        f"about {share(guess, 1)}: what it says of samples, and distances in what it sees, mean nothing; train a better judge"
    ]


def share_within(features: torch.Tensor, classes: torch.Tensor) -> float:
    """Of the variance of (N, D), all features together, the share within the classes (N,); 1 where nothing varies."""
    rest = features.clone()
    for each in classes.unique():
        chosen = classes == each
        rest[chosen] -= features[chosen].mean(0)
    whole = (features - features.mean(0)).square().sum()
    return float(rest.square().sum() / whole) if float(whole) else 1.0


def better_than_real(measures: Sequence[Mapping[str, Any]]) -> list[str]:
    """Measures by which samples are better than real rows beyond chance, and what may be why."""
    found = [
        each for each in measures if each.get("value") is not None and each.get("real") is not None and _beyond(each)
    ]
    return [
        f"{metric_name(str(each['name']))} is {number(each['value'])}, better than the {number(each['real'])} of real rows by "
        "more than chance: samples may be copies of real rows or less varied than these, or the rows are too few; it is no sign "
        "of quality"
        for each in found
    ]


def _beyond(each: Mapping[str, Any]) -> bool:
    """Whether the interval, or standard errors, of a value leave that of real rows behind."""
    higher = each.get("better") == "higher"
    if each.get("better") not in ("higher", "lower"):
        return False
    real = float(each["real"])
    if each.get("interval"):
        low, high = each["interval"]
        limits = each.get("real_interval") or (real, real)
        return low > limits[1] if higher else high < limits[0]
    if each.get("error") is None or each.get("real_error") is None:
        return False
    gained = float(each["value"]) - real if higher else real - float(each["value"])
    return gained > SURE * (float(each["error"]) ** 2 + float(each["real_error"]) ** 2) ** 0.5
