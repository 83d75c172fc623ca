"""What self-supervised tasks share: how they are evaluated, and that their output is features."""

from collections.abc import Mapping
from typing import Any, Literal

from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.dataset import TargetSpec
from sonde.core.seams import Objective
from sonde.metrics.neighbours import NeighboursMeter
from sonde.tasks.supervised import objective, wide


def unlabelled_objective(target: TargetSpec, monitor: str | None) -> Objective:
    """The loss, which needs no label, unless another metric is requested.

    Raises: ConfigError with the nearest names for a metric that is not reported
    """
    modes: dict[str, Literal["max", "min"]] = {"loss": "min"}
    if target.kind == "class":
        modes["knn_accuracy"] = "max"
    return objective("loss", modes, monitor)


def probed(batch: Batch, target: TargetSpec, features: Tensor, loss: Tensor) -> dict[str, Tensor]:
    """For `meter_for`'s meter: loss (B,), features (B, D), and the class of each row where rows have one."""
    found = {"loss": wide(loss), "features": wide(features)}
    return {**found, "target": batch["target"]} if target.kind == "class" else found


def meter_for(target: TargetSpec) -> NeighboursMeter:
    """A fresh one."""
    return NeighboursMeter(len(target.names) if target.kind == "class" else 0)


def numbered(outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
    """{"features": (B, D)} as one {"features": {"0": number, "1": …}} per row."""
    rows = outputs["features"].float().tolist()
    return [{"features": {str(place): value for place, value in enumerate(row)}} for row in rows]
