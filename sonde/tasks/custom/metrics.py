"""Metrics of one's own: functions of batches or of a whole set, objects with update and compute, and names."""

import copy
import functools
import itertools
from collections.abc import Callable, Mapping, Sequence, Sized
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError, SondeError, first_line
from sonde.core.findings import Finding
from sonde.core.nested import in_words
from sonde.core.seams import Objective
from sonde.metrics.directions import higher_is_better, is_mean_of_rows
from sonde.metrics.named import NamedMetric, Scores
from sonde.metrics.other_names import name_here
from sonde.tasks.custom.doubts import against_its_name, counted, is_count
from sonde.tasks.custom.joining import joined, on_cpu, wide
from sonde.tasks.custom.judged import JUDGED, JudgedMeter
from sonde.tasks.custom.means import Means
from sonde.tasks.custom.measure import KEPT, Measure, measures_of, qualified_name
from sonde.tasks.custom.scalars import scalar
from sonde.tasks.custom.signatures import in_order

Given = Callable[[Callable[..., Any], str, bool], tuple[list[Any], dict[str, Any]]]
"""(function of an output, what it is in words, whether it may be tried) -> what of the batch it is given besides, by place and
by name"""


class Undefined(ConfigError):
    """A metric of whole sets that could not be computed on the rows there were; on others it may be."""


class Measures:
    """All metrics of a task: what a batch gives for them, the meters that add them up, and which of them chooses.

    functions:   of each entry, what is called with the output and what of a batch belongs to it
    reported:    of each entry the names under which its numbers stand, once one was computed
    other_names: what else the meter reported, such as parts of the loss
    computed:    whether a meter was computed, so that all names are known
    counts:      names of shares whose value on a first batch was a number of rows
    """

    def __init__(self, metrics: Any = None, *, scores: Scores | None = None) -> None:
        """scores: what the loss says of outputs, for metrics given by name.  Raises: ConfigError for what is no metric"""
        self.all = tuple(measures_of(metrics, scores))
        self.functions = {measure.name: measure.called for measure in self.all}
        self.other_names: list[str] = []
        self.class_names: tuple[str, ...] = ()  # by which classes are called, where they are as many
        self.counts: list[str] = []
        self.computed = False
        self.reported: dict[str, list[str]] = {}

    def of_batch(self, output: Any, batch: Batch, given: Given) -> dict[str, Any]:
        """For the meter: the numbers of functions of batches by name, and under `KEPT` what the others need of the batch.

        Raises: ConfigError for a function that fails or returns no number
        """
        found: dict[str, Any] = {}
        kept: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}
        for measure in self.all:
            tried = measure.computes != "object"  # which a trial would change
            places, names = given(self.functions[measure.name], f"metric {measure.name!r}", tried)
            if measure.computes == "batch":
                call = functools.partial(measure.function, output, *places, **names)
                found |= self.named(measure, _result(measure, call, batch, output, places))
            else:
                kept[measure.name] = tuple(places), names
        return {**found, KEPT: (output, kept)} if kept else found

    def named(self, measure: Measure, value: Any) -> dict[str, Tensor]:
        """The numbers of one entry by name: its own, or the keys of a dict.

        Raises: ConfigError for what is no number, and for a name that another entry has
        """
        if type(value) is Tensor and self.reported.get(measure.name) == [measure.name]:
            return {measure.name: scalar(measure.name, value)}
        values = dict(value) if isinstance(value, Mapping) else {measure.name: value}
        if not values:
            raise ConfigError(f"metric {measure.name!r} is an empty dict; it must hold numbers by name")
        found = {str(name): scalar(str(name), number) for name, number in values.items()}
        known = self.reported.get(measure.name)
        if known is None and measure.computes == "batch":
            self.counts += [name for name, number in found.items() if is_count(name, number)]
        if known is None:
            others = {"loss"}.union(*(self.names_of(each) for each in self.all if each is not measure))
            if taken := sorted(others & found.keys()):
                raise ConfigError(
                    f"metric {measure.name!r} reports {taken[0]!r}, which there is already; name it differently"
                )
            self.reported[measure.name] = list(found)
        elif known != list(found):
            raise ConfigError(
                f"metric {measure.name!r} reports {', '.join(found)}, and it reported {', '.join(known)} before"
            )
        return found

    def names_of(self, measure: Measure) -> list[str]:
        """Under which an entry's numbers stand, as far as is known."""
        return self.reported.get(measure.name, [measure.name])

    @property
    def names(self) -> list[str]:
        """Of all metrics, in their order, as far as is known."""
        return [name for measure in self.all for name in self.names_of(measure)]

    @property
    def directions(self) -> dict[str, bool | None]:
        """Name -> whether higher is better: as declared, else as the name says; None where that is not known."""
        return {
            name: higher_is_better(name) if measure.higher is None else measure.higher
            for measure in self.all
            for name in self.names_of(measure)
        }

    def objective(self, monitor: str | None, mode: str | None, *, final: bool = True) -> Objective:
        """What chooses the best checkpoint: `monitor`, else the first metric whose direction is known, else the loss.

        final: whether all that metrics report is known, as far as it will be before the first step
        Raises: ConfigError for a metric that there is not, or whose direction is unknown or another than `mode`
        """
        known = self.directions
        chosen = monitor or next((name for name, higher in known.items() if higher is not None), "loss")
        if chosen == "loss":
            if mode == "max":
                raise ConfigError("monitor='loss', mode='max': the loss is what training makes smaller; leave mode out")
            return Objective("loss", "min")
        if chosen not in (*known, *self.other_names):
            if self.computed:
                if (here := name_here(chosen, [*known, "loss", *self.other_names])) is not None:
                    raise ConfigError(
                        f"monitor={chosen!r}: it is called {here!r} here; those of the validation rows are monitored"
                    )
                there_are = ", ".join([*known, "loss", *self.other_names])
                raise ConfigError(
                    f"monitor={chosen!r}: there is no such metric; there are {there_are} (metrics= adds more)"
                )
            if not final:
                return Objective(chosen, "max" if mode == "max" else "min")
        return Objective(
            chosen, checked_mode(chosen, known.get(chosen, higher_is_better(chosen)), mode, self._declared(chosen))
        )

    def _declared(self, name: str) -> bool:
        return any(measure.higher is not None and name in self.names_of(measure) for measure in self.all)

    def batch_means(self) -> list[str]:
        """Metrics whose value over a set is not the mean over its batches, and that are such means."""
        plain = [name for measure in self.all if measure.computes == "batch" for name in self.names_of(measure)]
        return [name for name in plain if not is_mean_of_rows(name)]

    def notes(self, objective: Objective, *, monitored: bool, batches: int | None) -> list[Finding]:
        """What is to be said before the first step. batches: of the validation rows;  monitored: whether `monitor=` chose"""
        found = []
        before = itertools.takewhile(
            lambda name: name != objective.metric, self.names
        )  # what would have chosen instead
        unknown = [name for name in before if self.directions[name] is None]
        if unknown and not monitored:
            chooses = "the validation loss" if objective.metric == "loss" else repr(objective.metric)
            found.append(
                Finding(
                    check="metric without direction",
                    severity="note",
                    evidence=f"{_listed(unknown)}: it is not known whether higher is better, so {chooses} chooses the "
                    "best checkpoint",
                    action=f"give sonde.Metric(function, higher_is_better=…), or monitor={unknown[0]!r} with mode='max' or "
                    "'min', to let it choose",
                )
            )
        found += [counted(name) for name in self.counts]
        found += against_its_name(objective) if monitored else []
        if (means := self.batch_means()) and batches != 1:
            found.append(
                Finding(
                    check="mean of batches",
                    severity="note",
                    evidence=f"{_listed(means)}: the mean of its values on batches, which is not its value on the set",
                    action="sonde.Metric(function, whole=True) computes it once, on all rows",
                )
            )
        return found

    def meter(self) -> "MetricsMeter":
        """A fresh one."""
        return MetricsMeter(self)


class MetricsMeter:
    """Adds up an evaluation: means of batches by their rows, in float64; and keeps what metrics of whole sets need.

    Objects with update and compute are copies of the caller's, which hold nothing of other evaluations.
    """

    def __init__(self, measures: Measures) -> None:
        self._measures = measures
        self._means, self._judged = Means(), JudgedMeter(measures.class_names)
        self._whole = [measure.name for measure in measures.all if measure.computes == "whole"]
        self._objects = {m.name: _fresh(m) for m in measures.all if m.computes == "object"}
        self._seen: list[
            Any
        ] = []  # (output, what each function of the whole set is given besides, rows) of batches, on the CPU
        self._found: dict[str, float] | None = None

    def update(self, outputs: Mapping[str, Any], index: Tensor) -> None:
        """Add a batch: scalar means over its rows by name and, under `KEPT`, what it was computed of."""
        self._found = None
        self._means.add(outputs, index)
        if JUDGED in outputs:
            self._judged.update(outputs[JUDGED], index)
        if KEPT not in outputs:
            return
        output, given = outputs[KEPT]
        for measure in self._measures.all:
            if measure.computes == "object":
                self._update_object(measure, wide(output), wide(given[measure.name]), index)
        if self._whole:
            self._seen.append((*on_cpu((output, {name: given[name] for name in self._whole})), len(index)))

    def merge(self, other: "MetricsMeter") -> None:
        """Add another process's sums. Raises: ConfigError for an object that has no merge_state"""
        self._found = None
        self._means.merge(other._means)
        self._judged.merge(other._judged)
        self._seen += other._seen
        for name, one in self._objects.items():
            join = getattr(one, "merge" if isinstance(one, NamedMetric) else "merge_state", None)
            if join is None:
                raise ConfigError(
                    f"metric {name!r}: a {type(one).__name__} has no merge_state, and cannot join two processes' rows"
                )
            join(other._objects[name])

    def compute(self) -> dict[str, float]:
        """Name -> value over all rows, the metrics in their order, then the loss and what else the task reports.

        Raises: NonFinite for an output that held a NaN, or a loss that was no finite number; Undefined for a metric that these
                rows do not suffice for; ConfigError for one that fails or is no number
        """
        self._means.refuse()
        if self._found is None:
            means = self._means.compute()
            found: dict[str, float] = {}
            for measure in self._measures.all:
                if measure.computes == "batch":
                    found |= {name: means[name] for name in self._measures.names_of(measure) if name in means}
                else:
                    numbers = self._measures.named(measure, self._computed(measure))
                    found |= {name: float(number) for name, number in numbers.items()}
            self._measures.computed = True
            self._measures.other_names = [name for name in means if name not in found and name != "loss"]
            self._found = found | {name: value for name, value in means.items() if name not in found}
        return dict(self._found)

    def details(self) -> dict[str, Any]:
        """Of rows whose answers are classes or numbers, what the report shows of such."""
        return self._judged.details()

    def _update_object(self, measure: Measure, output: Any, given: tuple[Any, Any], index: Tensor) -> None:
        one, (places, names) = self._objects[measure.name], given
        update = in_order(one.update)
        if isinstance(one, nn.Module) and isinstance(output, Tensor):
            one.to(output.device)
        with torch.no_grad():
            call = functools.partial(update, output, *places, **names)
            _result(measure, call, index, output, places)

    def _computed(self, measure: Measure) -> Any:
        where = f"all {self._means.rows:,} rows"
        if measure.computes == "object":
            with torch.inference_mode():  # what an object keeps of an evaluation can be changed in no other
                return _result(measure, self._objects[measure.name].compute, where)
        rows = [count for _, _, count in self._seen]
        try:
            output = joined([output for output, _, _ in self._seen], rows)
            places, names = joined([given[measure.name] for _, given, _ in self._seen], rows)
        except ConfigError as trouble:
            raise ConfigError(f"metric {measure.name!r}, whole=True: {trouble}") from trouble
        except (RuntimeError, ValueError) as trouble:
            raise ConfigError(
                f"metric {measure.name!r}: outputs of different batches cannot be joined ({first_line(trouble)}); give a "
                "function of one batch, without whole=True"
            ) from trouble
        with torch.no_grad():
            return _result(
                measure, functools.partial(measure.function, output, *places, **names), where, output, places
            )


def own_names(loss: Any, measures: Measures) -> dict[str, Any]:
    """How a loss and metrics of the caller's own are written in config.yaml; empty where there are none."""
    named = {measure.name: qualified_name(measure.function) for measure in measures.all}
    return ({} if loss is None else {"loss": qualified_name(loss)}) | ({"metrics": named} if named else {})


def checked_mode(name: str, higher: bool | None, mode: str | None, declared: bool = True) -> Literal["max", "min"]:
    """ "max" or "min" for a metric that chooses. higher: as far as is known;  declared: whether more than a name says so

    Raises: ConfigError where neither says, or both say different things
    """
    said = None if higher is None else "max" if higher else "min"
    if mode is not None and said is not None and mode != said and declared:
        better = "higher" if higher else "lower"
        raise ConfigError(f"monitor={name!r}, mode={mode!r}: for {name} {better} is better; leave mode out")
    if mode is None and said is None:
        raise ConfigError(
            f"monitor={name!r}: it is not known whether higher is better; give mode='max' or mode='min', or "
            "sonde.Metric(function, higher_is_better=…)"
        )
    return "max" if (mode or said) == "max" else "min"


def _fresh(measure: Measure) -> Any:
    """A copy of an object, as it is before an evaluation."""
    if isinstance(measure.function, NamedMetric):
        return NamedMetric(measure.function.name, scores=measure.function.scores)
    one = copy.deepcopy(measure.function)
    if hasattr(one, "reset"):
        one.reset()
    return one


def _listed(names: Sequence[str]) -> str:
    return f"metric{'s' * (len(names) > 1)} {', '.join(map(repr, names))}"


def _result(
    measure: Measure, call: Callable[[], Any], rows: str | Sized, output: Any = None, given: Sequence[Any] = ()
) -> Any:
    """What a call of the caller's code gives. rows: in words, or those of a batch

    Raises: ConfigError, in one line, for what it raises
    """
    try:
        return call()
    except (SondeError, torch.OutOfMemoryError):
        raise
    except Exception as trouble:
        target = f", target {in_words(given[0])}" if given else ""
        shapes = "" if output is None else f" (output {in_words(output)}{target})"
        where = rows if isinstance(rows, str) else f"a batch of {len(rows):,} rows"
        what = f"metric {measure.name!r} failed on {where}{shapes}: {type(trouble).__name__}: {first_line(trouble).rstrip('.')}"
        of_rows = isinstance(trouble, ArithmeticError | ValueError | RuntimeError | IndexError)
        if measure.computes == "batch":
            remedy = (
                "; if it needs more rows than a batch has, give sonde.Metric(function, whole=True)" if of_rows else ""
            )
            raise ConfigError(f"{what}{remedy}") from trouble
        raise (Undefined if of_rows else ConfigError)(what) from trouble
