"""What is known about a task before any of its networks is built: one frozen record. Free of torch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

    from sonde.core.dataset import Schema, TargetSpec


class TargetRows(NamedTuple):
    """A target that a task makes from what files of a kind hold.

    spec:  what it is
    rows:  one array for each row; the first axis goes with the row's length
    words: what is predicted, for a person: "angles of the backbone from the residues"
    """

    spec: "TargetSpec"
    rows: "Sequence[np.ndarray]"
    words: str


class Answer(NamedTuple):
    """The output of a network for one input: its name in `sonde.models.table`, and what a person calls it."""

    name: str
    words: str


ROW = Answer("row", "one output vector per input")
WHOLE = {"image": "images", "table": "tables", "array": "arrays"}
"""Kinds of input that tasks which make or give back whole inputs can learn from."""
OR_SOUND = {**WHOLE, "audio": "recordings"}
"""The same of tasks that also learn from clips of sound."""


@dataclass(frozen=True, kw_only=True)
class TaskSpec:
    """A task: what it is for, what it needs, how it is built, how it is shown.

    Strings name things that load torch or draw, as "module:attribute"; they are imported where they are needed.

    name:      what --task takes
    summary:   what is predicted, in a line
    task:      the class of the `Task`, called as (model, target, config, monitor=…)
    config:    the frozen dataclass of its settings, whose fields are flags
    answers:   what a network must output
    targets:   kinds of targets it can be trained on; () for any, of tasks that learn from inputs alone
    suggests:  of those, kinds that choose this task where nobody names one -> what is seen in the data then
    exclusive: what its targets are called ("masks") where no other task can be trained on them; "" where others can
    reads:     kind of input -> function that makes a target of the task's own from what files of that kind hold, as that modality
               reads them (of proteins a list of `sonde.modalities.protein.structures.Chain`): a list of rows -> `TargetRows`
    inputs:    kinds of input it can learn from -> what a person calls them; none for any
    labels:    False for a task that learns from inputs alone
    dates:     False for a task to which rows of later dates than those trained on must not look strange
    views:     True where its batches hold two views of each input (`sonde.augment.views`)
    own_loss:  True where the class also takes loss=, a function(output, target) of the caller's own
    class_counts: True where the class also takes class_counts=, training rows per class
    trains_on: (classes of the training rows, their target, settings) -> which rows are trained on, where rows have classes and
               that is not all of them; "" for all
    takes_input: True where the class also takes input=, the `InputSpec`, of tasks that make inputs
    experience: of tasks that act and learn from what comes of it, (splits, task, settings of the run, device) -> the source to
               train on; "" where rows are read
    room:       of such tasks, (schema, splits, settings of the run) -> the parts of memory that experience takes
                (`sonde.acting.room`); "" for nothing to be checked
    updates:   of those, (steps of the environments, settings of the run) -> `sonde.core.acting.Updates`, for a length in such
               steps; "" where an update takes no number of them that is known before
    parts:     of tasks that act, their modules by the names that such tasks share, by which one begins from another's run
               (`sonde.run.begun_from`), longer names first; None for a task whose network is one, "model"
    remembers: of tasks that act, the settings by which a policy of numbers is learned that remembers what was shown before; ""
               where there are none
    learns_returns: True where what came of logged actions is learned from, and not the actions alone
    formerly:  settings that came later than runs of it -> what those did, which their folders do not say and the default is not
    by_itself: settings of other tasks that it has no use for -> what it does instead
    whole_batches: True where a batch is all that was met since the last, so that it has no size of its own
    values:    of tasks that act, what their values count beside rewards, for a caption; "" for nothing
    generates: True where it makes new inputs (`sonde.core.generation`), for `sonde sample`
    conditions: True where the classes of rows can be a condition of what it learns, so that a sample's class can be chosen
    tells:     of a task that makes inputs, what its headline metric says, where a verdict must not take it for more
    likelihood: True where that metric is a likelihood of rows, or a bound of it
    network_input: an `InputSpec` -> that of what its network is called with, where the task codes its inputs; "" for the same
    codes_of:  the setting that names a run whose codes are learned instead of inputs (`sonde.tasks.latent_code`); the class then
               also takes code=; "" where there is none
    encodes:   True where its codes can be learned so (`sonde.core.reconstruction.LatentSpace`)
    model:     (network, why), or the name of a function from a dataset to them; "" leaves it to the modality's recipe
    settings:  (dataset, network) -> what a recipe advises, leaf name -> (value, why); "" leaves it to the modality's recipe
    figures:   an evaluation's files by stem -> `sonde.report.additions.Additions`, what the report shows of this task alone
    highlights: an evaluation's files by stem -> lines that a terminal shows below the scores, as "module:function"; "" for none
    predictions: (names of the inputs, what `format_predictions` gave by row, the schema) -> what `predict` gives; None for one
               dict per input
    shorten:   output of `predict` -> from its value to the cells that a terminal shows instead
    units:     metric -> what it is measured in, where its name does not say so; {target} is the target, where there is one
    row:       what it is evaluated on is called, one and several, where that is not a row of the data: ("game", "games")
    samples:   True where a few answers are worth showing while it trains: texts, forecasts, pictures
    next_commands: what to try after training; {run} is its folder, {input} what stands for an input
    """

    name: str
    summary: str
    task: str
    config: type
    answers: Answer
    targets: tuple[str, ...]
    suggests: Mapping[str, str] = field(default_factory=dict)
    exclusive: str = ""
    reads: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    labels: bool = True
    dates: bool = True
    views: bool = False
    own_loss: bool = False
    class_counts: bool = False
    trains_on: str = ""
    takes_input: bool = False
    experience: str = ""
    room: str = ""
    updates: str = ""
    parts: Mapping[str, str] | None = None
    remembers: str = ""
    learns_returns: bool = False
    formerly: Mapping[str, Any] = field(default_factory=dict)
    by_itself: Mapping[str, str] = field(default_factory=dict)
    values: str = ""
    whole_batches: bool = False
    generates: bool = False
    conditions: bool = False
    tells: str = "how low its loss is, and little of samples"
    likelihood: bool = False
    network_input: str = ""
    codes_of: str = ""
    encodes: bool = False
    model: str | tuple[str, str] = ""
    settings: str = ""
    figures: str = ""
    highlights: str = ""
    predictions: Callable[[Sequence[str], Mapping[int, Mapping[str, Any]], "Schema"], list[dict[str, Any]]] | None = (
        None
    )
    shorten: Mapping[str, Callable[[Any], Mapping[str, Any]]] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    row: tuple[str, str] | None = None
    samples: bool = False
    next_commands: tuple[str, ...] = ("sonde predict {run} {input}",)

    def suits(self, target: "TargetSpec") -> bool:
        """Whether it can be trained on such targets."""
        return not self.targets or target.kind in self.targets
