"""A researcher's own module with a plain loss function, as a task."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.nested import leaves
from sonde.core.seams import Abilities, Bound, Loss, Meter, Objective, Phase, RuleBaseline, as_loss
from sonde.metrics.named import Scores
from sonde.nn.auxiliary import WithAuxiliary
from sonde.tasks.custom.arguments import WEIGHTS, Arguments
from sonde.tasks.custom.binding import Binding, bind, inputs_of
from sonde.tasks.custom.choosing import BestMetric
from sonde.tasks.custom.constant import Constant, constant_answers
from sonde.tasks.custom.finite import NAN_ROWS, FiniteEvaluation, nan_rows
from sonde.tasks.custom.judged import JUDGED, Answers
from sonde.tasks.custom.means import MEAN_OF, Means
from sonde.tasks.custom.measure import scores_of_loss
from sonde.tasks.custom.metrics import Measures, own_names
from sonde.tasks.custom.mistakes import in_words
from sonde.tasks.custom.outputs import check_loss_of, is_mean_over_rows, named_outputs, own_loss, returned, row_of
from sonde.tasks.custom.scalars import scalar
from sonde.tasks.custom.signatures import in_order
from sonde.tasks.custom.weighted import counted, weighted
from sonde.tasks.supervised import with_auxiliary

RowFunction = Callable[..., Any]
"""(output, target, more of the batch by name) -> a number"""


class MeanMeter:
    """Means of named per-batch means, each weighted by its rows; summed in float64."""

    def __init__(self) -> None:
        self._means = Means()

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None:
        """Add a batch: outputs are scalar means over its rows."""
        if not isinstance(outputs, Mapping):
            raise ConfigError(
                f"evaluate(batch) returned {in_words(outputs)}; it must return a dict of scalars by name, means over the rows"
            )
        self._means.add(outputs, index)

    def merge(self, other: "MeanMeter") -> None:
        """Add another process's sums."""
        self._means.merge(other._means)

    def compute(self) -> dict[str, float]:
        """Name -> mean over all rows. Raises: NonFinite when a loss was none"""
        self._means.refuse()
        return self._means.compute()

    def details(self) -> dict[str, Any]:
        """Nothing is known of single rows."""
        return {}


def _with_state(loss: RowFunction | None) -> dict[str, nn.Module]:
    """A loss that has parameters, which are then trained, or buffers, which are then saved; nothing for any other."""
    holds = isinstance(loss, nn.Module) and any(True for each in (*loss.parameters(), *loss.buffers()))
    return {"loss": loss} if holds else {}  # type: ignore[dict-item]


def _evaluated(found: Any, output: Any) -> Tensor:
    """What the loss gave in evaluation. Raises: ConfigError where that is no number, saying what it was computed of"""
    try:
        return scalar("loss", found)
    except ConfigError as trouble:
        what = returned(found) if isinstance(found, Tensor | tuple | list | dict) else f"a {type(found).__name__}"
        raise ConfigError(
            f"in evaluation the loss is {what}, and must be a scalar, the mean over the rows; it was given what the network "
            f"returned in evaluation mode: {returned(output)}"
        ) from trouble


class ModuleTask:
    """A module and its loss as a task; evaluated by the loss and by functions of the same form.

    What of a batch goes to `forward` and what to the loss is bound once (`sonde.tasks.custom.binding`), and anew where the names
    of the fields change.

    module:  takes what the binding gives it, and returns whatever the loss takes
    loss:    (output, target, more of the batch by name) -> scalar, the mean over the rows; None where the module's output has
             its own, as `.loss` or ["loss"]. Parameters of a loss (a temperature, the weights of a margin) are trained with the
             module's, and saved as "loss.…"
    metrics: as `sonde.fit` takes them
    monitor: the metric that chooses the best checkpoint, or "loss"; else the first whose direction is known, and without any
             the smallest loss
    mode:    "max" or "min", where the metric that is monitored does not say which is better
    """

    def __init__(
        self,
        module: nn.Module,
        loss: RowFunction | None,
        metrics: Any = None,
        monitor: str | None = None,
        mode: str | None = None,
    ) -> None:
        """Raises: ConfigError for what is no metric"""
        self.modules = nn.ModuleDict({"model": module, **_with_state(loss)})
        self.phases = (Phase(name="model", loss=self.loss, trains=list(self.modules.values())),)
        self._module, self._loss = module, loss
        self._function = None if loss is None else in_order(loss)
        self._scores: Scores | None = scores_of_loss(loss)
        self.metrics = Measures(metrics, scores=self._scores)
        self.chooses = BestMetric(self.metrics, monitor, mode)
        said = {"notes": self.chooses.notes, "batch_means": self.metrics.batch_means} if self.metrics.all else {}
        self.abilities = Abilities(bind=self.bind, constant_baselines=self.constant_baselines, **said)
        self._bound: Binding | None = None
        self._feeds: dict[tuple[str, ...], Arguments] = {}  # of batches to predict on, by the names of their fields
        self.mean_over_rows: bool | None = None  # whether the loss is one, once a batch was evaluated that tells
        self.accumulates = False  # whether batches come in pieces, which a loss must say the weight of
        self._weighted, self._counted = weighted(loss), counted(loss)
        self._checked: set[str] = set()  # what was seen to compute no nonsense on a first batch

    @property
    def network_name(self) -> str:
        """The class of the network, as a report calls it."""
        return type(self._module).__name__

    @property
    def own_names(self) -> dict[str, Any]:
        """How its loss and metrics are written in config.yaml."""
        return own_names(self._function, self.metrics)

    @property
    def objective(self) -> Objective:
        """What chooses the best checkpoint, decided after a trial evaluation, which tells what metrics report."""
        return self.chooses.objective

    def loss(self, batch: Batch) -> Any:
        """The user's function of the module's output; a mean over the rows."""
        bound = self._bound
        if bound is None or tuple(batch.fields) != bound.names:
            bound = self._bind(batch)
        places, names = bound.forward.of(batch)
        output = self._module(*places, **names)
        if self._function is None or bound.loss is None:
            return Loss(own_loss(output), len(batch))
        places, names = bound.loss.of(batch)
        if isinstance(output, WithAuxiliary):
            return with_auxiliary(output, lambda head: as_loss(self._function(head, *places, **names), len(batch)))  # type: ignore[misc]
        if "the loss" not in self._checked:
            self._check(self._function, output, places, names, "the loss")
        if self.accumulates and self._weighted is not None and len(places) == 1 and not names:
            return self._weighted(output, places[0])
        value = self._function(output, *places, **names)  # called here, so that its traceback is short
        return Loss(value, len(batch)) if type(value) is Tensor else value

    def to(self, device: torch.device) -> None:
        """Move the network, and a loss that is a module: its weights of classes, say."""
        self.modules.to(device)
        if isinstance(self._loss, nn.Module):
            self._loss.to(device)

    def bind(self, batch: Batch) -> Bound:
        """What of such a batch goes where, in words, and weights or masks that nothing takes."""
        bound = self._binding(batch)
        taken = {
            name
            for metric, function in self.metrics.functions.items()
            for name in self._read(bound, function, batch, metric)
        }
        unused = tuple(name for name in bound.unused if name in WEIGHTS and name not in taken)
        return Bound(bound.line, unused, tuple(bound.forward.fields))

    def evaluate(self, batch: Batch) -> dict[str, Any]:
        """For the meter: the metrics of the batch, its loss and what that consists of."""
        places, names = self._binding(batch).forward.of(batch)
        return self._of_output(self._module(*places, **names), batch)

    def constant_baselines(self, known: Mapping[str, Any], batch: Batch) -> list[RuleBaseline]:
        """Always the mean, the median or the commonest class of the training targets, by the caller's metrics and loss."""
        bound = self._binding(batch)
        if bound.loss is None or len(bound.loss.places) != 1 or bound.loss.names:
            return []
        place = bound.loss.places[0]
        targets = known.get(place if isinstance(place, str) else ".".join(map(str, place)))
        places, names = bound.forward.of(batch)
        output, (target,) = self._module(*places, **names), bound.loss.of(batch)[0]
        if targets is None or not isinstance(output, Tensor) or not isinstance(target, Tensor):
            return []
        shown = Answers(output, target, self._scores, self._loss_of(output, target))
        found = constant_answers(torch.as_tensor(targets), shown, self._loss_of)
        return [RuleBaseline(each.what, partial(self._answered, each)) for each in found]

    def _answered(self, constant: Constant, batch: Batch) -> dict[str, Any]:
        return self._of_output(constant.for_rows(len(batch)), batch)

    def _loss_of(self, output: Tensor, target: Tensor) -> Tensor | None:
        assert self._function is not None
        found = self._function(output, target)
        value = found.value if isinstance(found, Loss) else found
        return value if isinstance(value, Tensor) and value.ndim == 0 else None

    def _of_output(self, output: Any, batch: Batch) -> dict[str, Any]:
        """What is made of outputs: the network's, or a baseline's."""
        bound = self._binding(batch)
        measured = self._measured(bound, output, batch)
        judged: dict[str, Any] = {}
        if self._function is None:
            found = own_loss(output)
        else:
            places, names = self._given(bound, output, batch, self._function, "the loss")
            found = self._function(output, *places, **names)
            if len(places) == 1 and not names and type(found) is Tensor:
                if self._counted is not None:
                    found = Loss(found, self._counted(places[0]))
                elif self.mean_over_rows is None:
                    self.mean_over_rows = is_mean_over_rows(self._function, output, places[0])
            if len(places) == 1 and isinstance(output, Tensor) and isinstance(places[0], Tensor):
                value = found.value if isinstance(found, Loss) else found
                mean = value if isinstance(value, Tensor) and value.ndim == 0 else None
                judged[JUDGED] = Answers(output, places[0], self._scores, mean)
        loss = as_loss(found, len(batch))
        if not isinstance(loss, Loss):
            return {**measured, **judged, "loss": _evaluated(found, output)}
        parts = {name: scalar(name, part) for name, part in loss.parts.items()}
        if twice := sorted(parts.keys() & measured.keys()):
            raise ConfigError(f"{twice[0]!r} is a metric and a part of the loss; give one of them another name")
        weights = {MEAN_OF: dict.fromkeys(("loss", *parts), loss.weight)}
        return {**measured, **judged, "loss": loss.value, **parts, **weights}

    def _measured(self, bound: Binding, output: Any, batch: Batch) -> dict[str, Any]:
        """The metrics of a batch. Raises: NonFinite where one fails on an output that holds a NaN"""
        bad = nan_rows(output, len(batch))
        try:
            found = self.metrics.of_batch(output, batch, partial(self._given, bound, output, batch))
        except ConfigError:
            if bad is not None:
                met = FiniteEvaluation()
                met.output(bad, batch.index)
                met.refuse()
            raise
        return found if bad is None else {**found, NAN_ROWS: bad}

    def meter(self) -> Meter:
        """A fresh one, of the metrics in their order and then the loss; the first is what a person reads first."""
        return self.metrics.meter()

    def predict(self, batch: Batch) -> dict[str, Any]:
        """The module's outputs by name: {"output": …} of one tensor, parts of a dict or dataclass, a tuple's "output_1", …."""
        places, more = self._inputs(batch)
        return named_outputs(self._module(*places, **more), len(batch))

    def fed(self, batch: Batch) -> tuple[Any, ...]:
        """What of a batch to predict on the module is called with, in the order of its parameters."""
        places, more = self._inputs(batch)
        return (*places, *more.values())

    def format_predictions(self, outputs: Mapping[str, Any]) -> list[dict[str, Any]]:
        """One {"output": nested list} per row, or the parts of an output by name."""
        rows = len(next(part for _, part in leaves(dict(outputs))))
        return [{name: row_of(part, row) for name, part in outputs.items()} for row in range(rows)]

    def _inputs(self, batch: Batch) -> tuple[list[Any], dict[str, Any]]:
        names = tuple(batch.fields)
        if names not in self._feeds:
            self._feeds[names] = inputs_of(self._module, batch, self._bound)
        return self._feeds[names].of(batch)

    def _binding(self, batch: Batch) -> Binding:
        """That of batches with these fields: found once."""
        known = self._bound
        return known if known is not None and tuple(batch.fields) == known.names else self._bind(batch)

    def _bind(self, batch: Batch) -> Binding:
        self._bound = bind(self._module, self._function, batch)
        return self._bound

    def _given(
        self, bound: Binding, output: Any, batch: Batch, function: RowFunction, what: str, tried: bool = True
    ) -> tuple[list[Any], dict[str, Any]]:
        """What a function of the output is given besides it; at the first batch, whether that is nonsense is looked at."""
        places, names = bound.arguments(function, batch, what).of(batch)
        if tried and what not in self._checked:
            self._check(function, output, places, names, what)
        return places, names

    def _check(self, function: RowFunction, output: Any, places: list[Any], names: dict[str, Any], what: str) -> None:
        check_loss_of(function, output, places, names, what)
        self._checked.add(what)

    def _read(self, bound: Binding, function: RowFunction, batch: Batch, metric: str) -> list[str]:
        given = bound.arguments(function, batch, f"metric {metric!r}")
        return list(bound.names) if given.whole else given.fields
