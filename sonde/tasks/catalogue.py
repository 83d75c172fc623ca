"""The tasks by name: which suits a target, what its settings are, how to build one. Listing them imports nothing."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, get_type_hints

from sonde.core.catalogue import resolve

if TYPE_CHECKING:
    from torch import nn

    from sonde.core.dataset import TargetSpec
    from sonde.core.seams import Task

TASKS: dict[str, str] = {
    "classification": "sonde.tasks.classification:Classification",
    "regression": "sonde.tasks.regression:Regression",
}

SUMMARIES: dict[str, str] = {
    "classification": "one of several classes per row, yes or no, or any number of labels",
    "regression": "one or several real numbers per row",
}

_SUITS = {"class": "classification", "labels": "classification", "value": "regression"}


def config_class(name: str) -> type:
    """The frozen dataclass of the task's settings, whose fields are flags. Raises: ConfigError for an unknown task."""
    return get_type_hints(resolve("task", name, TASKS).__init__)["config"]


def for_target(target: "TargetSpec") -> str:
    """The task that suits a target's kind."""
    return _SUITS[target.kind]


def build(
    name: str,
    model: "nn.Module",
    target: "TargetSpec",
    config: Any | None = None,
    *,
    class_counts: Sequence[int] | None = None,
    monitor: str | None = None,
) -> "Task":
    """Task `name` around a model; without a config, the task's defaults.

    class_counts: training rows of each class, where a row has one class
    monitor:      the metric that chooses the best checkpoint, instead of the task's own
    Raises: ConfigError for an unknown task or metric (with the nearest), or a target or setting that does not suit the task
    """
    kind = resolve("task", name, TASKS)
    config = config if config is not None else config_class(name)()
    return kind(model, target, config, class_counts=class_counts, monitor=monitor)
