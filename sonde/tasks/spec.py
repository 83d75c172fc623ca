"""What is known about a task before any of its networks is built: one frozen record. Free of torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sonde.core.dataset import Dataset, TargetSpec

Answer = Literal["row", "map", "boxes", "next", "text", "frames", "span", "horizon", "structure", "angles"]
"""What a network gives for one input; `sonde.models.table` says it of each network, in the same words."""

Settings = Mapping[str, tuple[Any, str]]
"""Leaf name -> (value, why): what a recipe advises."""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """A task: what it is for, what it needs, how it is built, how it is shown.

    name:      what --task takes
    summary:   what is predicted, in a line
    task:      "module:class" of the `Task`, called as (model, target, config, class_counts=…, monitor=…); a string, because the
               record loads without torch and the task does not
    config:    the frozen dataclass of its settings, whose fields are flags
    targets:   kinds of targets it can be trained on; () for any, of tasks that learn from inputs alone
    suggests:  of those kinds, the ones that choose this task where nobody names one
    why:       kind -> what is seen in the data where the task was chosen so ("each row has one of several classes")
    answers:   what a network must give
    labels:    False for a task that learns from inputs alone
    views:     True where its batches hold two views of each input (`sonde.augment.views`)
    model:     dataset -> (network, why); None leaves it to the modality's recipe
    settings:  (dataset, network) -> what the recipe advises; None leaves it to the modality's recipe
    figures:   an evaluation's files by stem -> what the report shows beside the general figures
    predictions: (rows' names, outputs by row) -> what `predict` gives, where that is not one dict per input
    next_commands: (run folder, what stands for an input) -> commands to try after training, besides predict
    """

    name: str
    summary: str
    task: str
    config: type
    targets: tuple[str, ...]
    answers: Answer
    suggests: tuple[str, ...] = ()
    why: Mapping[str, str] | None = None
    labels: bool = True
    views: bool = False
    model: Callable[[Dataset], tuple[str, str]] | None = None
    settings: Callable[[Dataset, str], Settings] | None = None
    figures: Callable[[Mapping[str, Any]], Sequence[Any]] | None = None
    predictions: Callable[[Sequence[str], Mapping[int, Mapping[str, Any]]], list[dict[str, Any]]] | None = None
    next_commands: Callable[[str, str], Sequence[str]] | None = None

    def suits(self, target: TargetSpec) -> bool:
        """Whether it can be trained on such targets."""
        return not self.targets or target.kind in self.targets
