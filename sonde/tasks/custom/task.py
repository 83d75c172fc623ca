"""A researcher's own module with a plain loss function, as a task."""

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.seams import Loss, Meter, Objective, Phase
from sonde.nn.auxiliary import WithAuxiliary
from sonde.tasks.supervised import with_auxiliary

RowFunction = Callable[[Tensor, Tensor], Tensor]


class MeanMeter:
    """Means of named per-batch means, each weighted by its rows; summed in float64."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._rows = 0

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add a batch: outputs are scalar means over its rows."""
        for name, value in outputs.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(scalar(name, value)) * len(index)
        self._rows += len(index)

    def merge(self, other: "MeanMeter") -> None:
        """Add another process's sums."""
        for name, value in other._sums.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._rows += other._rows

    def compute(self) -> dict[str, float]:
        """Name -> mean over all rows."""
        return {name: value / self._rows for name, value in self._sums.items()}

    def details(self) -> dict[str, Any]:
        """Nothing is known of single rows."""
        return {}


def scalar(name: str, value: Any) -> Tensor:
    """What a metric returned. Raises: ConfigError where that is no single number"""
    if isinstance(value, Tensor) and value.numel() != 1:
        what = f"a tensor of shape {tuple(value.shape)}"
        raise ConfigError(f"metric {name!r} is {what}; it must be a scalar, the mean over the rows")
    try:
        return torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError):
        what = "None" if value is None else f"a {type(value).__name__}"
        raise ConfigError(f"metric {name!r} is {what}; it must be a scalar, the mean over the rows") from None


def _with_state(loss: RowFunction) -> dict[str, nn.Module]:
    """A loss that has parameters, which are then trained, or buffers, which are then saved; nothing for any other."""
    holds = isinstance(loss, nn.Module) and any(True for each in (*loss.parameters(), *loss.buffers()))
    return {"loss": loss} if holds else {}  # type: ignore[dict-item]


class ModuleTask:
    """`loss(module(input), target)` minimised; evaluated by the loss and by functions of the same form.

    module:  takes batch["input"]
    loss:    (output, target) -> scalar, the mean over the rows; parameters of its own (a temperature, the weights of a margin
             loss) are trained with the module's, and saved as "loss.…"
    metrics: name -> function of the same form; the first decides which checkpoint is best, larger being better;
             without any the smallest loss does
    monitor: the metric that decides instead, or "loss"
    """

    def __init__(
        self,
        module: nn.Module,
        loss: RowFunction,
        metrics: Mapping[str, RowFunction] | None = None,
        monitor: str | None = None,
    ) -> None:
        self.modules = nn.ModuleDict({"model": module, **_with_state(loss)})
        self.phases = (Phase(name="model", loss=self.loss, trains=list(self.modules.values())),)
        self._function, self._metrics = loss, dict(metrics or {})
        chosen = monitor or next(iter(self._metrics), "loss")
        self.objective = Objective(chosen, "max" if chosen in self._metrics else "min")

    def loss(self, batch: Batch) -> Loss:
        """The user's function of the module's output; a mean over the rows."""
        output, target = self.modules["model"](batch["input"]), batch["target"]
        if isinstance(output, WithAuxiliary):
            return with_auxiliary(output, lambda head: Loss(self._function(head, target), len(batch)))
        return Loss(self._function(output, target), len(batch))  # called here, so that its traceback is short

    def evaluate(self, batch: Batch) -> dict[str, Tensor]:
        """Scalars: each metric in its order, then the loss; the first is what a person reads first."""
        output, target = self.modules["model"](batch["input"]), batch["target"]
        measured = {name: scalar(name, function(output, target)) for name, function in self._metrics.items()}
        return {**measured, "loss": self._function(output, target)}

    def meter(self) -> Meter:
        """A fresh `MeanMeter`."""
        return MeanMeter()

    def predict(self, batch: Batch) -> dict[str, Tensor]:
        """{"output": the module's output}."""
        return {"output": self.modules["model"](batch["input"])}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"output": nested list} per row."""
        return [{"output": row.tolist()} for row in outputs["output"]]
