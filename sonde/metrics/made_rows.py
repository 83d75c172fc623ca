"""What is measured of made rows beside real ones, and of the critic that tells them apart."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Literal

import torch
from torch import Tensor

from sonde.metrics.two_samples import Comparison, compare

MOST = 2_000  # rows of each that are compared: all pairs are
FEWEST = 8  # rows, below which nothing can be compared
BINS = 40

MODES: dict[str, Literal["max", "min"]] = {
    "kernel_distance": "min",
    "precision": "max",
    "recall": "max",
}
"""The metrics that can choose a checkpoint."""


class MadeRowsMeter:
    """Compares made rows with real ones in features, and counts what the critic tells apart. B rows at a time."""

    def __init__(
        self,
        trained: Callable[[], Tensor] | None = None,
        *,
        threshold: float | None = 0.0,
        gradient: float | None = None,
    ) -> None:
        """trained: gives the critic's logits of some training rows, with the weights that are evaluated; None: there are none yet

        threshold: a logit above which the critic holds a row for real; None: the middle between the means of real and made rows
        gradient:  of the generator, what is known of its norm
        """
        self._trained, self.threshold, self.gradient = trained, threshold, gradient
        self.held: dict[str, list[Tensor]] = {}
        self.rows = 0
        self.train_logit: Tensor | None = None
        self._found: tuple[dict[str, float], dict[str, Any]] | None = None

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add rows: features `real` and `made` (B, d), `real_logit` and `made_logit` (B,), and of classes `label` (B,)."""
        if self.train_logit is None and self._trained is not None:
            self.train_logit = self._trained().detach().float().cpu()
        self._found = None
        left = MOST - self.rows
        for name, values in outputs.items():
            self.held.setdefault(name, []).append(values[: max(left, 0)].detach().cpu().clone())
        self.rows += len(index)

    def merge(self, other: "MadeRowsMeter") -> None:
        """Add another process's rows."""
        for name, parts in other.held.items():
            self.held.setdefault(name, []).extend(parts)
        self.rows += other.rows
        self.train_logit = self.train_logit if self.train_logit is not None else other.train_logit
        self._found = None

    def compute(self) -> dict[str, float]:
        """The metrics of `MODES`; the shares `accuracy_made`, `accuracy_real` and `accuracy_train` of the made, evaluated and
        training rows that the critic takes for what they are; `spread`, `kernel_floor` and `recall_real` (the others of
        `Comparison`); and `generator_gradient`."""
        return self._measured()[0]

    def details(self) -> dict[str, Any]:
        """{"gan": measures, counts and histograms of the critic's logits}."""
        return {"gan": self._measured()[1]}

    def _measured(self) -> tuple[dict[str, float], dict[str, Any]]:
        if self._found is None:
            with torch.no_grad():
                self._found = self._measure()
        return self._found

    def _measure(self) -> tuple[dict[str, float], dict[str, Any]]:
        rows = {name: torch.cat(parts)[:MOST] for name, parts in self.held.items()}
        real, made = rows["real_logit"].float(), rows["made_logit"].float()
        threshold = self.threshold if self.threshold is not None else float(real.mean() + made.mean()) / 2
        label = rows.get("label")
        measured = len(real) >= FEWEST and bool(rows["made"].isfinite().all())
        found = compare(rows["real"], rows["made"], label, label) if measured else None
        metrics = _beside(found)
        metrics["accuracy_made"] = float((made <= threshold).double().mean())
        metrics["accuracy_real"] = float((real > threshold).double().mean())
        groups, details = {"made": made, "held out": real}, dict[str, Any](rows=len(real))
        if self.train_logit is not None:
            metrics["accuracy_train"] = float((self.train_logit > threshold).double().mean())
            groups["training"] = self.train_logit
        if found is not None:
            metrics["spread"] = found.spread
            details |= asdict(found)
        if self.gradient is not None:
            metrics["generator_gradient"] = self.gradient
        return metrics, details | {"threshold": threshold, "logits": histograms(groups)}


def _beside(found: Comparison | None) -> dict[str, float]:
    """The measures, each followed by what real rows get, in the order in which a screen shows the first of them."""
    if found is None:
        return {"kernel_distance": float("nan"), "recall": float("nan"), "precision": float("nan")}
    return {
        "kernel_distance": found.distance,
        "kernel_floor": found.floor,
        "recall": found.recall,
        "recall_real": found.real_recall,
        "precision": found.precision,
    }


def histograms(groups: Mapping[str, Tensor]) -> dict[str, Any]:
    """{"edges": BINS + 1 numbers, "shares": name -> share of its finite values in each bin}; {} where there is nothing."""
    finite = {name: values[values.isfinite()] for name, values in groups.items()}
    known = torch.cat(list(finite.values()))
    if len(known) == 0 or not bool(known.max() > known.min()):
        return {}
    low, high = float(known.min()), float(known.max())
    shares: dict[str, Sequence[float]] = {}
    for name, values in finite.items():
        shares[name] = (torch.histc(values, BINS, low, high) / max(1, len(values))).tolist()
    return {"edges": torch.linspace(low, high, BINS + 1).tolist(), "shares": shares}
