"""What `metrics=` takes, entry by entry: functions, objects with update and compute, names, and `sonde.Metric` around them."""

import copy
import functools
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from sonde.core.errors import ConfigError, first_line
from sonde.core.given_object import an_instance
from sonde.metrics.directions import higher_is_better
from sonde.metrics.named import NAMES, NamedMetric, Scores
from sonde.metrics.other_names import name_here
from sonde.tasks.custom.signatures import in_order, parameters_of

KEPT = "(kept)"
"""Key under which an evaluation hands a meter what metrics of whole sets need, beside scalars by name."""

TAKES = 'metrics takes names and functions, {"accuracy": function(output, target)}, or a list of functions, sonde.Metric or names'


@dataclass(frozen=True)
class Metric:
    """A metric and what its name does not say.

    function:         (output, target, further fields of the batch by name) -> a number, the mean over the rows; or an object with
                      update(output, target), compute() and perhaps reset(), as in torchmetrics. A dict of numbers is several
                      metrics
    higher_is_better: which way better lies; None: as the object or the name says, and where none does, it does not choose
    whole:            call the function once with the outputs and targets of all rows, joined on the CPU, instead of averaging its
                      values over batches
    name:             by which it is reported; else the function's
    Raises: ConfigError for what is no metric
    """

    function: Any
    higher_is_better: bool | None = None
    whole: bool = False
    name: str | None = None

    def __post_init__(self) -> None:
        if not _accumulates(self.function) and (isinstance(self.function, type) or not callable(self.function)):
            raise ConfigError(f"sonde.Metric takes a function(output, target), {_instead_of(self.function)}")
        if self.whole and _accumulates(self.function):
            raise ConfigError(
                f"sonde.Metric({_called(self.function)}, whole=True): it sees the whole set anyway; leave whole out"
            )


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One entry of `metrics=`.

    higher:   which way better lies, where it was declared
    computes: "batch" (a function), "whole" (a function of all rows) or "object" (with update and compute)
    """

    name: str
    function: Any
    computes: str
    higher: bool | None = None

    @property
    def called(self) -> Any:
        """What is called with the output, and the target and more of the batch."""
        return in_order(self.function.update) if self.computes == "object" else self.function


def measures_of(metrics: Any, scores: Scores | None) -> Iterator[Measure]:
    """The entries of `metrics=`, however they are given. Raises: ConfigError for what is no metric"""
    if isinstance(metrics, set | frozenset):
        raise ConfigError(f"metrics is a set, and the order says which one chooses; {TAKES}")
    if isinstance(metrics, str | Metric) or (metrics is not None and not isinstance(metrics, Mapping | list | tuple)):
        metrics = [metrics]
    named = isinstance(metrics, Mapping)
    entries = list(metrics.items()) if named else [(_name_of(entry), entry) for entry in metrics or ()]
    names = [name for name, _ in entries]
    for name, entry in entries:
        if not isinstance(name, str) or not name or name == KEPT:
            raise ConfigError(f"{TAKES}, not {name!r}")
        if name == "loss":
            raise ConfigError(
                "a metric cannot be called 'loss', which is what is trained on and reported anyway; give it another "
                "name"
            )
        if names.count(name) > 1:
            raise ConfigError(f'metrics holds {name!r} twice; name them by {{"name": function}}')
        yield _measure(name, entry, scores)


def scores_of_loss(loss: Any) -> Scores | None:
    """What one of torch's losses says of the outputs that it takes; None for any other function.

    >>> scores_of_loss(nn.BCELoss()), scores_of_loss(nn.functional.cross_entropy), scores_of_loss(print)
    ('probabilities', 'one of several', None)
    """
    says: dict[Scores, tuple[Any, ...]] = {
        "probabilities": (nn.BCELoss, nn.functional.binary_cross_entropy),
        "one of several": (nn.CrossEntropyLoss, nn.NLLLoss, nn.functional.cross_entropy, nn.functional.nll_loss),
        "logits": (nn.BCEWithLogitsLoss, nn.functional.binary_cross_entropy_with_logits, nn.SoftMarginLoss),
    }
    plain = loss.func if isinstance(loss, functools.partial) else loss
    return next((told for told, known in says.items() if type(plain) in known or plain in known), None)


def qualified_name(given: Any) -> str:
    """How a function or object is written in config.yaml: where it stands in its module.

    >>> qualified_name(nn.functional.mse_loss), qualified_name(nn.L1Loss()), qualified_name("accuracy")
    ('torch.nn.functional.mse_loss', 'torch.nn.modules.loss.L1Loss', 'accuracy')
    """
    if isinstance(given, str):
        return given
    if isinstance(given, Metric):
        return qualified_name(given.function)
    if isinstance(given, NamedMetric):
        return given.name
    if isinstance(given, functools.partial):
        return qualified_name(given.func)
    known = given if hasattr(given, "__qualname__") else type(given)
    return f"{known.__module__}.{known.__qualname__}"


def _measure(name: str, entry: Any, scores: Scores | None) -> Measure:
    metric = entry if isinstance(entry, Metric) else None
    function: Any = entry if metric is None else metric.function
    if metric is not None and metric.name not in (None, name):
        raise ConfigError(f"metrics={{{name!r}: sonde.Metric(…, name={metric.name!r})}} gives one metric two names")
    declared = None if metric is None else metric.higher_is_better
    if isinstance(function, str):
        if function not in NAMES and (here := name_here(function, NAMES)) is not None:
            raise ConfigError(f"metric {function!r} is called {here!r} here")
        if function not in NAMES:
            raise ConfigError(
                f"metric {function!r} is not one that is known by name; there are {', '.join(NAMES)}; or give a function"
            )
        higher = higher_is_better(function) if declared is None else declared
        return Measure(name=name, function=NamedMetric(function, scores=scores), computes="object", higher=higher)
    if isinstance(function, type) or not (_accumulates(function) or callable(function)):
        raise ConfigError(f"metric {name!r} is {_instead_of(function)}; {TAKES}")
    if _accumulates(function):
        own = getattr(function, "higher_is_better", None)
        higher = own if declared is None and isinstance(own, bool) else declared
        return Measure(name=name, function=_copied(name, function), computes="object", higher=higher)
    takes = parameters_of(function)
    if len(takes.required) == 1 and takes.required[0] in ("eval_pred", "eval_preds", "eval_prediction"):
        called = _called(function)
        raise ConfigError(
            f"metric {name!r} takes ({takes.required[0]}), as the Trainer of Hugging Face calls it; give sonde.Metric(lambda "
            f"output, target: {called}((output.numpy(), target.numpy())), whole=True, name={called!r})"
        )
    whole = metric is not None and metric.whole
    return Measure(name=name, function=in_order(function), computes="whole" if whole else "batch", higher=declared)


def _copied(name: str, one: Any) -> Any:
    """A copy, which later changes of the caller's object do not reach. Raises: ConfigError where there can be none"""
    try:
        return copy.deepcopy(one)
    except Exception as trouble:
        raise ConfigError(
            f"metric {name!r}: a {type(one).__name__} cannot be copied ({first_line(trouble)}), and each evaluation needs its "
            "own; give sonde.Metric(function, whole=True)"
        ) from trouble


def _accumulates(entry: Any) -> bool:
    """Whether it is an object that is updated with batches."""
    return not isinstance(entry, type) and all(callable(getattr(entry, name, None)) for name in ("update", "compute"))


def _name_of(entry: Any) -> str:
    """The name of an entry of a list. Raises: ConfigError for a lambda, which has none"""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, Metric):
        return entry.name or _name_of(entry.function)
    if isinstance(entry, functools.partial):
        return _name_of(entry.func)
    if isinstance(entry, types.LambdaType) and entry.__name__ == "<lambda>":
        raise ConfigError('a lambda among metrics has no name; give it one: metrics={"name": lambda output, target: …}')
    return str(getattr(entry, "__name__", type(entry).__name__))


def _called(entry: Any) -> str:
    return str(getattr(entry, "__name__", type(entry).__name__))


def _instead_of(entry: Any) -> str:
    if isinstance(entry, type):
        return f"the class {entry.__name__}, not an object: give {an_instance(entry)}"
    return f"not {'None' if entry is None else f'a {type(entry).__name__}'}"
