"""One of Sonde's own tasks with metrics of the caller's beside those that it reports itself."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from torch import Tensor

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.seams import Meter, Objective, Task, abilities_of, extras_of
from sonde.metrics.named import NamedMetric
from sonde.tasks.custom.choosing import BestMetric
from sonde.tasks.custom.metrics import Measures
from sonde.tasks.custom.signatures import parameters_of

OWN = "(own)"
"""Key under which an evaluation hands the meter what the caller's metrics made of a batch."""


class WithMetrics:
    """A task as it is, but for what it is evaluated by and what chooses the best checkpoint.

    The functions get (output, target) as `Abilities.answers` gives them, and further fields of the batch by name.
    """

    def __init__(self, task: Task, measures: Measures, *, monitor: str | None = None, mode: str | None = None) -> None:
        """monitor: one of the caller's metrics that chooses; else the task's objective stays. Raises: ConfigError"""
        able, extras = abilities_of(task), extras_of(task)
        if able.answers is None:
            raise ConfigError(
                f"metrics= is for tasks that answer with one output for each target, and {type(task).__name__} does not; "
                "leave it out, or evaluate what run.predict gives"
            )
        self.task, self.modules, self.phases = task, task.modules, task.phases
        self.across_rows, self.after_step = extras.across_rows, extras.after_step
        self.state_dict, self.load_state_dict = extras.state_dict, extras.load_state_dict
        self.predict, self.format_predictions = task.predict, task.format_predictions
        self.measures, self._answers = measures, able.answers
        self.chooses = BestMetric(measures, monitor, mode, own=task.objective)
        tune = able.tune_threshold
        self.abilities = replace(
            able,
            notes=self.chooses.notes,
            batch_means=measures.batch_means,
            tune_threshold=None if tune is None else lambda meter: _tuned(tune, meter),
        )

    @property
    def objective(self) -> Objective:
        """The task's own, or the caller's metric that is monitored."""
        return self.chooses.objective

    def evaluate(self, batch: Batch) -> Mapping[str, Any]:
        """What the task's meter takes, and under `OWN` what the caller's metrics do."""
        outputs = self.task.evaluate(batch)
        output, target = self._answers(outputs)
        found = self.measures.of_batch(output, batch, lambda function, what, _: _given(function, what, target, batch))
        return {**outputs, OWN: found}

    def meter(self) -> Meter:
        """A fresh one of the task's, and one of the caller's metrics beside it."""
        named = frozenset(each.name for each in self.measures.all if isinstance(each.function, NamedMetric))
        return MeterWithMetrics(self.task.meter(), self.measures.meter(), named)


class MeterWithMetrics:
    """The meter of a task, and one of the caller's metrics."""

    def __init__(self, inner: Meter, own: Any, named: frozenset[str] = frozenset()) -> None:
        """named: metrics that the caller gave by name, which the task may report anyway"""
        self.inner, self.own, self._named = inner, own, named
        self._seen = False

    def update(self, outputs: Mapping[str, Any], index: Tensor) -> None:
        """Add a batch; what was computed without a network (a baseline) has none of the caller's metrics."""
        if OWN in outputs:
            self._seen = True
            self.own.update(outputs[OWN], index)
        self.inner.update({name: value for name, value in outputs.items() if name != OWN}, index)

    def merge(self, other: "MeterWithMetrics") -> None:
        """Add another process's rows."""
        self.inner.merge(other.inner)
        self.own.merge(other.own)
        self._seen = self._seen or other._seen

    def compute(self) -> dict[str, float]:
        """The task's metrics, then the caller's; one that was given by its name and the task reports anyway is the task's.

        Raises: ConfigError for a function under a name that the task reports
        """
        inner = self.inner.compute()
        own = self.own.compute() if self._seen else {}
        own = {name: value for name, value in own.items() if name not in inner or name not in self._named}
        if twice := sorted(inner.keys() & own.keys()):
            raise ConfigError(
                f"metric {twice[0]!r} is reported by the task itself; leave it out, or give yours another name"
            )
        return {**inner, **own}

    def details(self) -> dict[str, Any]:
        """The task's."""
        return self.inner.details()


def _tuned(tune: Callable[[Meter], None], meter: Meter) -> None:
    tune(meter.inner if isinstance(meter, MeterWithMetrics) else meter)


def _given(function: Callable[..., Any], what: str, target: Tensor, batch: Batch) -> tuple[list[Any], dict[str, Any]]:
    """The target, and what else the function takes by the names of fields; a mask must be among them where there is one."""
    takes = parameters_of(function).after_the_output()
    wanted = [*takes.required[1:], *takes.by_name]
    more = {name: batch[name] for name in (*wanted, *takes.optional) if name in batch and name != "target"}
    if lacking := [name for name in wanted if name not in more]:
        raise ConfigError(f"{what} takes {lacking[0]!r}, which is not a field of the batch ({', '.join(batch.fields)})")
    if "mask" in batch and "mask" not in more:
        raise ConfigError(
            f"{what}: some targets are missing, which it cannot know; let it take them, function(output, target, mask), "
            "where mask is 1 for those that are there"
        )
    return [target], more
