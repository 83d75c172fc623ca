"""A researcher's own module with a plain loss function, as a task."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.seams import Abilities, Loss, Meter, Objective, Phase
from sonde.nn.auxiliary import WithAuxiliary
from sonde.tasks.custom.measure import told_by_loss
from sonde.tasks.custom.metrics import Chooses, Measures, scalar
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


class ModuleTask:
    """`loss(module(input), target)` minimised; evaluated by the loss and by functions of the same form.

    module:  takes batch["input"]
    loss:    (output, target) -> scalar, the mean over the rows
    metrics: as `sonde.fit` takes them
    monitor: the metric that chooses the best checkpoint, or "loss"; else the first whose direction is known, and without any
             the smallest loss
    mode:    "max" or "min", where the metric that is monitored does not say which is better
    """

    def __init__(
        self,
        module: nn.Module,
        loss: RowFunction,
        metrics: Any = None,
        monitor: str | None = None,
        mode: str | None = None,
    ) -> None:
        """Raises: ConfigError for what is no metric"""
        self.modules = nn.ModuleDict({"model": module})
        self.phases = (Phase(name="model", loss=self.loss, trains=[module]),)
        self._function = loss
        self.metrics = Measures(metrics, scores=told_by_loss(loss))
        self.chooses = Chooses(self.metrics, monitor, mode)
        said = {"notes": self.chooses.notes, "batch_means": self.metrics.batch_means} if self.metrics.all else {}
        self.abilities = Abilities(**said)

    @property
    def objective(self) -> Objective:
        """What chooses the best checkpoint, decided when it is first asked for: a trial evaluation tells what metrics report."""
        return self.chooses.objective

    def loss(self, batch: Batch) -> Loss:
        """The user's function of the module's output; a mean over the rows."""
        output, target = self.modules["model"](batch["input"]), batch["target"]
        if isinstance(output, WithAuxiliary):
            return with_auxiliary(output, lambda head: Loss(self._function(head, target), len(batch)))
        return Loss(self._function(output, target), len(batch))  # called here, so that its traceback is short

    def evaluate(self, batch: Batch) -> dict[str, Any]:
        """For the meter: the metrics of the batch and its loss."""
        output, target = self.modules["model"](batch["input"]), batch["target"]
        return {**self.metrics.of_batch(output, target, batch), "loss": self._function(output, target)}

    def meter(self) -> Meter:
        """A fresh one, of the metrics in their order and then the loss; the first is what a person reads first."""
        return self.metrics.meter()

    def predict(self, batch: Batch) -> dict[str, Tensor]:
        """{"output": the module's output}."""
        return {"output": self.modules["model"](batch["input"])}

    def format_predictions(self, outputs: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        """One {"output": nested list} per row."""
        return [{"output": row.tolist()} for row in outputs["output"]]
