"""Evaluation of a regressor in the targets' own units, batch by batch."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sonde.metrics.by_row import ByRow, answers_table
from sonde.metrics.classification import WORST, mean_of_defined
from sonde.metrics.correlation import Correlations
from sonde.metrics.first_nan import FirstNaN
from sonde.metrics.mean import Mean, widest
from sonde.metrics.top_k import TopRows, shuffled_rank

SCATTER = 1000

# B rows, T targets


class RegressionMeter:
    """Adds up predictions and targets; with several targets each metric is a mean over them, and also given for each.

    metrics: rmse, mae, r2 (NaN for a target that does not vary), pearson and spearman (NaN where the predictions do not vary
    either), loss (the task's own); rmse/NAME, … for several targets
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        self.moments: Tensor | None = None  # (5, T): count, mean and squared deviations of the target; |error|, error²
        self.first_nan = FirstNaN()
        self.loss, self.worst, self.sample = Mean(), TopRows(WORST), TopRows(SCATTER)
        self.correlations, self.by_row = Correlations(len(self.names)), ByRow()

    @property
    def notes(self) -> list[str]:
        """What was computed of a sample of the rows."""
        found, most = self.correlations.rows, self.correlations.limit
        return [f"pearson and spearman of {found:,} rows are computed from {most:,} of them"] if found > most else []

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: values and target (B, T), mask (B, T) where targets are missing, loss (B,), weight (B,) of the loss; rank
        (B,) by which the worst rows are found where the loss is not known by row."""
        values, target = outputs["values"].detach(), outputs["target"]
        counted = outputs["mask"] > 0 if "mask" in outputs else torch.ones_like(target, dtype=torch.bool)
        self.first_nan.update(values, index)
        self._add(moments_of(values, target, counted))
        self.loss.update(outputs["loss"], outputs.get("weight"))
        rows = {"values": values, "target": target, "counted": counted}
        self.correlations.update(**rows, index=index)
        self.worst.update(outputs.get("rank", outputs["loss"]).detach(), index, rows)
        self.sample.update(shuffled_rank(index.to(values.device)), index, rows)
        if len(self.names) == 1:
            there = counted[:, 0]
            self.by_row.update(index.to(there.device)[there], target=target[there, 0], prediction=values[there, 0])

    def merge(self, other: "RegressionMeter") -> None:
        """Add another process's sums."""
        if other.moments is not None:
            self._add(other.moments)
        for name in ("loss", "worst", "sample", "correlations", "first_nan", "by_row"):
            getattr(self, name).merge(getattr(other, name))

    def compute(self) -> dict[str, float]:
        """All metrics over all rows so far. Raises: NonFinite when an output was NaN."""
        self.first_nan.refuse()
        assert self.moments is not None
        count, _, deviation, absolute, square = self.moments.cpu().double()
        columns = {
            "rmse": (square / count).sqrt(),
            "mae": absolute / count,
            "r2": torch.where(deviation > 0, 1 - square / deviation, torch.nan),
            **{name: torch.tensor(found) for name, found in self.correlations.compute().items()},
        }
        found = {metric: mean_of_defined(values.tolist()) for metric, values in columns.items()}
        if len(self.names) > 1:
            for metric, values in columns.items():
                found |= {f"{metric}/{name}": value for name, value in zip(self.names, values.tolist(), strict=True)}
        return {**found, "loss": float(self.loss.value())}

    def details(self) -> dict[str, Any]:
        """scatter, of at most 1,000 rows that any batching would have chosen, worst, and of one target answers
        (docs/run-folder.md)."""
        rows = {name: value.cpu() for name, value in self.sample.rows.items()}
        columns = range(len(self.names))
        counted = [rows["counted"][:, column] for column in columns]
        return {
            "scatter": {
                "names": self.names,
                "target": [rows["target"][counted[column], column].tolist() for column in columns],
                "prediction": [rows["values"][counted[column], column].tolist() for column in columns],
            },
            "worst": self._worst(),
            **({"answers": answers_table(self.by_row.rows, found)} if (found := self.by_row.columns()) else {}),
        }

    def _worst(self) -> list[dict[str, Any]]:
        rows = self.worst.rows
        everything = torch.ones_like(rows["counted"])
        return [
            {
                "index": int(rows["index"][n]),
                "target": self._formatted(rows["target"][n], rows["counted"][n]),
                "prediction": self._formatted(rows["values"][n], everything[n]),
                "confidence": None,
                "loss": float(rows["rank"][n]),
            }
            for n in range(len(everything))
        ]

    def _formatted(self, values: Tensor, counted: Tensor) -> float | str:
        """One number, or several with their names."""
        if len(self.names) == 1:
            return float(values[0])
        listed = zip(self.names, values.tolist(), counted.tolist(), strict=True)
        return ", ".join(f"{name} {value:.4g}" for name, value, there in listed if there)

    def _add(self, moments: Tensor) -> None:
        self.moments = (
            moments if self.moments is None else joined_moments(self.moments, moments.to(self.moments.device))
        )


def moments_of(values: Tensor, target: Tensor, counted: Tensor) -> Tensor:
    """(5, T) of one batch."""
    share = counted.to(widest(values.device))
    target = torch.where(counted, target, 0).to(share.dtype)
    error = torch.where(counted, values.to(share.dtype) - target, 0)
    count = share.sum(0)
    mean = target.sum(0) / count.clamp(min=1)
    deviation = ((target - mean).square() * share).sum(0)
    return torch.stack([count, mean, deviation, error.abs().sum(0), error.square().sum(0)])


def joined_moments(one: Tensor, other: Tensor) -> Tensor:
    """Moments of both together, without the cancellation of a plain sum of squares.

    Source: Chan, Golub and LeVeque 1983, The American Statistician 37(3), equation 2.1
    """
    count = one[0] + other[0]
    shift = other[1] - one[1]
    mean = one[1] + shift * other[0] / count.clamp(min=1)
    deviation = one[2] + other[2] + shift.square() * one[0] * other[0] / count.clamp(min=1)
    return torch.stack([count, mean, deviation, one[3] + other[3], one[4] + other[4]])
