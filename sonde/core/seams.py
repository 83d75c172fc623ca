"""The seams of the engine. A source yields batches; a task owns modules and phases; a meter accumulates; an observer reads."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.findings import Finding
from sonde.core.generation import Generation
from sonde.core.playing import Playing
from sonde.core.reconstruction import Reconstruction
from sonde.core.records import Record, StepRecord, Verdict
from sonde.core.unmasked import Unmasked


class Loss(NamedTuple):
    """A scalar to minimise and what it averages over.

    weight: how many things `value` is the mean of (rows, unmasked targets, unpadded tokens): a number, or a device
            scalar known only after the forward. The engine scales by it, so that micro-batches never change the gradient.
    parts:  named scalars for the record only
    """

    value: Tensor
    weight: Tensor | float
    parts: Mapping[str, Tensor] = {}


def as_loss(found: Any, rows: int) -> Any:
    """What a phase's loss function returned, as a `Loss` where it may stand for one; anything else as it is.

    A scalar tensor is the mean over the `rows` of the batch; of a dict, "loss" is that, and the others are its parts; of a pair
    (scalar, dict), as many training steps return it, the first is.

    >>> import torch
    >>> as_loss({"loss": torch.tensor(2.0), "kl": torch.tensor(0.5)}, rows=8)
    Loss(value=tensor(2.), weight=8, parts={'kl': tensor(0.5000)})
    """
    if isinstance(found, Tensor) and found.numel() == 1:
        return Loss(found, rows)
    if isinstance(found, Mapping) and isinstance(found.get("loss"), Tensor):
        return Loss(found["loss"], rows, named_parts({name: part for name, part in found.items() if name != "loss"}))
    if type(found) is tuple and len(found) == 2 and isinstance(found[1], Mapping):
        value, parts = found
        if isinstance(value, Tensor) and value.numel() == 1:
            return Loss(value, rows, named_parts({name: part for name, part in parts.items() if name != "loss"}))
    return found


def named_parts(parts: Mapping[str, Any]) -> Mapping[str, Tensor]:
    """The parts of a loss as tensors: plain numbers are logged as they are. Raises: ConfigError for what is no number"""
    for part in parts.values():
        if not isinstance(part, Tensor) or part.numel() != 1:
            break
    else:
        return parts
    found: dict[str, Tensor] = {}
    for name, part in parts.items():
        try:
            found[name] = torch.as_tensor(part)
            one = found[name].numel() == 1
        except (TypeError, ValueError, RuntimeError):
            one = False
        if not one:
            what = f"a tensor of shape {tuple(part.shape)}" if isinstance(part, Tensor) else f"a {type(part).__name__}"
            raise ConfigError(
                f"the loss returned {name!r} beside its value, which is {what}; its parts are logged, and must be numbers"
            )
    return found


@dataclass(frozen=True)
class Stage:
    """A part of a run that phases share; stages follow one another in the order in which a task's phases name them.

    share: relative weight of this stage when the run's steps are dealt out: two stages with shares 3 and 1 take three quarters
           and one quarter, and so do stages with 0.9 and 0.3; they need not add up to 1
    steps: its length in steps instead; shares are then of what is left. Where all stages have a length, their sum is the run's,
           and another is refused
    epochs: its length in epochs instead, for data whose epochs have a known length
    Raises: ConfigError for a share that is not above 0, steps below 1, epochs not above 0, or both of these
    """

    name: str
    share: float = 1.0
    steps: int | None = None
    epochs: float | None = None

    def __post_init__(self) -> None:
        if self.steps is not None and self.epochs is not None:
            raise ConfigError(
                f"stage {self.name!r} has steps={self.steps} and epochs={self.epochs:g}; give one of them"
            )
        if self.epochs is not None and not 0 < self.epochs < math.inf:
            raise ConfigError(f"stage {self.name!r}: epochs must be above 0, got {self.epochs:g}")
        if not 0 < self.share < math.inf:
            raise ConfigError(f"stage {self.name!r}: share is a relative weight above 0, got {self.share:g}")
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"stage {self.name!r}: steps must be at least 1, got {self.steps}")


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One optimiser update inside a step. What it leaves open is the run's.

    name:       key of its optimiser, prefix of its losses
    loss:       the objective of this phase: a `Loss`; or a scalar, the mean over the rows; or a dict of "loss" and named parts
    trains:     the modules (or single parameters) that it, and no other phase of its stage, updates
    every:      runs on the steps divisible by this (1-based: every=5 runs on steps 5, 10, …)
    optimizer:  settings in which its optimiser, rate, schedule and clipping differ from the run's ({"optimizer": "sgd",
                "lr": 0.1}), or what `sonde.fit(optimizer=…)` takes: a name, a torch.optim class, an optimiser over its
                parameters, or a function that makes one of the list of parameters, before the run's first step
    schedule:   what `sonde.fit(schedule=…)` takes: a name, the share of the peak rate by 0-based step (of a phase in a stage
                counted from the stage's first), or a scheduler of torch
    clip:       largest gradient norm; 0 for none
    clip_value: largest absolute gradient entry; 0 for none
    stage:      the part of the run in which it is at work; None for all of it
    """

    name: str
    loss: Callable[[Batch], Loss | Tensor | Mapping[str, Tensor]]
    trains: Sequence[nn.Module | nn.Parameter]
    every: int = 1
    optimizer: (
        Mapping[str, Any] | str | type[Optimizer] | Optimizer | Callable[[list[nn.Parameter]], Optimizer] | None
    ) = None
    schedule: str | Callable[[Any], float | LRScheduler] | LRScheduler | None = None
    clip: float | None = None
    clip_value: float | None = None
    stage: Stage | None = None

    def __post_init__(self) -> None:
        trains: Any = self.trains
        if isinstance(trains, nn.Module | nn.Parameter):
            trains = [trains]
        elif isinstance(trains, Iterator):  # as module.parameters() gives them
            trains = list(trains)
        if isinstance(trains, str | Mapping) or not isinstance(trains, Iterable):
            raise self._wrong(trains)
        for trained in trains:
            if not isinstance(trained, nn.Module | Tensor):
                raise self._wrong(trained)
        object.__setattr__(self, "trains", trains)
        if not callable(self.loss):
            raise ConfigError(f"phase {self.name!r}: loss is {self.loss!r}; give a function of the batch")
        if isinstance(self.every, bool) or not isinstance(self.every, int) or self.every < 1:
            raise ConfigError(f"phase {self.name!r}: every is a number of steps from 1, got {self.every!r}")

    def _wrong(self, given: Any) -> ConfigError:
        what = repr(given) if isinstance(given, str | None) else f"a {type(given).__name__}"
        return ConfigError(
            f"phase {self.name!r} trains {what}; give a list of networks or parameters, such as trains=[self.net]"
        )

    def parameters(self) -> list[nn.Parameter]:
        """The trainable parameters of `trains`, each once."""
        seen = {id(p): p for trained in self.trains for p in parameters_of(trained) if p.requires_grad}
        return list(seen.values())


def parameters_of(trained: nn.Module | nn.Parameter) -> Sequence[nn.Parameter]:
    """What a phase trains of a module, or the single parameter that it names."""
    return [trained] if isinstance(trained, nn.Parameter) else list(trained.parameters())


class Objective(NamedTuple):
    """What 'better' means for a run: a key of the meter's metrics and its direction. latest: of equal scores the last weights are
    kept, where scores reach a ceiling and training goes on to make sure of it; by default the first."""

    metric: str
    mode: Literal["max", "min"]
    latest: bool = False

    def better(self, new: float, old: float | None) -> bool:
        """Strictly better; NaN never is, nor the worst there can be (a loss of infinity); anything else is better than None."""
        if new != new or new == (-math.inf if self.mode == "max" else math.inf):
            return False
        if old is None or old != old:
            return True
        return new > old if self.mode == "max" else new < old

    def best_value(self, best: Mapping[str, Any] | None) -> float | None:
        """The value of the best so far ("metric", "value"); None where there is none, or another metric chose it."""
        return best["value"] if best and best["metric"] == self.metric else None

    def value(self, metrics: Mapping[str, float]) -> float:
        """The metric's value. Raises: ConfigError where the meter does not report it"""
        if self.metric not in metrics:
            raise ConfigError(
                f"the task's objective is {self.metric!r}, which its meter does not report; it reports {', '.join(metrics)}"
            )
        return metrics[self.metric]


@runtime_checkable
class Meter(Protocol):
    """Adds up an evaluation batch by batch, and merges with its like from another process."""

    def update(self, outputs: Mapping[str, Tensor], index: Tensor) -> None: ...
    def merge(self, other: Any) -> None: ...
    def compute(self) -> dict[str, float]: ...
    def details(
        self,
    ) -> dict[str, Any]: ...  # file stem in evaluation/<split>/ -> JSON content (confusion, calibration, …)


@runtime_checkable
class Task(Protocol):
    """One problem: its modules, how a step improves them, how they are evaluated and used.

    What a task may have besides, and what stands for it where it does not: `Extras`, `Abilities`.
    """

    @property
    def modules(self) -> nn.ModuleDict: ...
    @property
    def phases(self) -> Sequence[Phase]: ...
    @property
    def objective(self) -> Objective | None: ...  # None: nothing chooses among checkpoints; the last is the best

    def evaluate(
        self, batch: Batch
    ) -> Mapping[str, Tensor]: ...  # what the meter's update takes; no gradient, eval mode
    def meter(self) -> Meter: ...
    def predict(self, batch: Batch) -> Mapping[str, Tensor]: ...
    def format_predictions(
        self, outputs: Mapping[str, Tensor]
    ) -> list[dict[str, Any]]: ...  # predict's rows in words and numbers


class Extras(NamedTuple):
    """Members that a task may leave out, as its own attributes of the same names.

    across_rows: names of the losses that mix rows (contrastive, batch Dice), for which micro-batches are not the big batch
    after_step:  called after each step, such as to move an average; None for nothing
    state_dict, load_state_dict: state beyond the modules, such as centres, hidden state, a chosen threshold
    """

    across_rows: Sequence[str]
    after_step: Callable[[StepRecord], None] | None
    state_dict: Callable[[], dict[str, Any]]
    load_state_dict: Callable[[Mapping[str, Any]], None]


def extras_of(task: Task) -> Extras:
    """What the task has of them; for the rest nothing mixes rows, nothing is done after a step and nothing is kept.

    Raises: ConfigError for a task that saves state and cannot load it, or the other way round
    """
    if hasattr(task, "state_dict") != hasattr(task, "load_state_dict"):
        raise ConfigError(
            f"{type(task).__name__} has one of state_dict and load_state_dict; a task has both or neither"
        )
    return Extras(
        across_rows=getattr(task, "across_rows", ()),
        after_step=getattr(task, "after_step", None),
        state_dict=getattr(task, "state_dict", dict),
        load_state_dict=getattr(task, "load_state_dict", lambda state: None),
    )


class RuleBaseline(NamedTuple):
    """A plain rule that needs no training, but does look at inputs; its scores stand beside the model's.

    name:     what it is, in words
    evaluate: its answers, for the meter of the task's `evaluate`
    """

    name: str
    evaluate: Callable[[Batch], Mapping[str, Tensor]]


class Bound(NamedTuple):
    """How a task hands the fields of a batch to its network and its loss.

    line:   in words, such as "image, meta → forward; label → the loss; id unused"
    unused: fields that nothing takes, though they change what is learned where something does, such as weights
    inputs: fields that the network takes
    """

    line: str
    unused: tuple[str, ...]
    inputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What a task can do that others cannot: its attribute `abilities`, None for each it has not.

    quick_evaluate:   `evaluate` with less work, for the same meter: where that is a search for each row, scores while training
                      goes on stand for those of the whole; at the end all is evaluated
    rule_baseline:    a plain rule that looks at inputs
    trivial_baseline: what can be reached without a look at inputs: (known, evaluated) -> (the answer in words, its metrics), of
                      the fields `target` (and `mask`) of all training rows, and of all rows that are evaluated
    constant_baselines: the same for fields of any names: (all rows that were trained on, by field; a batch that is evaluated) ->
                      rules that give one output for all rows, the likeliest first; none where what outputs mean is not known
    tune_threshold:   called with the meter of each validation before its scores are read, to choose something of the task's own;
                      what was chosen belongs to its `state_dict`, which is kept with the best weights
    draw:             (pixels, case) -> a row with the prediction on it, (3, H, W) uint8. pixels: (C, H, W) uint8, as stored;
                      case: its entry of `format_predictions`
    bind:             called with the first training batch, before anything else: what of such goes where
    samples:          (tokens that the model reads at most, seconds or None) -> one dict per text that the model wrote, "text"
                      among its keys; with seconds a single text, that ends when they are over
    unmask:           what the network made of inputs that it saw a part of
    notes:            batches of the validation rows, where known -> what is to be said before the first step of how the task is
                      evaluated and what chooses the best checkpoint
    generation:       how new inputs are made, of tasks that can
    reconstruction:   how inputs are given back from a code, of tasks that do
    paths:            (batch, number) -> `predict` with so many sample paths of the future, of tasks that draw some
    acting:           how it acts in environments, of tasks that do
    playing:          how it plays games for two, of tasks that do
    answers:          what `evaluate` gave -> (output, target) in the plainest form, for a metric of the caller's own: logits
                      (B, C) and classes (B,), or values and targets (B, T) in the targets' units
    know_rows:        called once, before training, with what reads training rows (`run/known_rows`), to compare others with them
    batch_means:      names of metrics that are means over batches, though their value on a set is none
    """

    quick_evaluate: Callable[[Batch], Mapping[str, Tensor]] | None = None
    rule_baseline: RuleBaseline | None = None
    trivial_baseline: Callable[[Mapping[str, Tensor], Mapping[str, Tensor]], tuple[str, dict[str, float]]] | None = None
    constant_baselines: Callable[[Mapping[str, Any], Batch], Sequence[RuleBaseline]] | None = None
    tune_threshold: Callable[[Meter], None] | None = None
    know_rows: Callable[[Callable[[], Iterator[Batch]]], None] | None = None
    draw: Callable[[np.ndarray, Mapping[str, Any]], np.ndarray] | None = None
    bind: Callable[[Batch], Bound] | None = None
    samples: Callable[[int, float | None], list[dict[str, Any]]] | None = None
    unmask: Callable[[Batch], Unmasked] | None = None
    notes: Callable[[int | None], Sequence[Finding]] | None = None
    batch_means: Callable[[], Sequence[str]] | None = None
    answers: Callable[[Mapping[str, Tensor]], tuple[Tensor, Tensor]] | None = None
    generation: Generation | None = None
    reconstruction: Reconstruction | None = None
    paths: Callable[[Batch, int], Mapping[str, Tensor]] | None = None
    acting: Acting | None = None
    playing: Playing | None = None
    fewest_rows: int = 0


def abilities_of(task: Task) -> Abilities:
    """The task's record; an empty one where it has none, whatever methods it has."""
    found = getattr(task, "abilities", None)
    return found if isinstance(found, Abilities) else Abilities()


@runtime_checkable
class Source(Protocol):
    """Batches of one epoch, from the current position; iterating again gives the next epoch.

    The position is that of the last batch consumed, whatever was prefetched: `state_dict` taken between two `next` calls
    and loaded into a fresh source continues with the very next batch. At an epoch's end an iterator from a restored source
    yields nothing and the one after it starts the next epoch.

    More properties may be there: `ends` and `rewinds`, see there; `figures`, numbers by name that stand in the log beside those
    of the steps, such as the returns of a policy that acts; `played`, True where all the work is in making a batch; and
    `computes`, True where this is the task's networks at work, in the precision of the run then.
    """

    @property
    def batches(self) -> int | None: ...  # per epoch; None where only time will tell

    @property
    def epoch(self) -> int: ...  # 0-based, of the batch to come

    def __iter__(self) -> Iterator[Batch]: ...
    def describe(self, index: int) -> str: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


def ends(source: Source) -> bool:
    """Whether iterating over a source comes to an end: its property `ends`, by default True. One without needs a number of
    steps or a time limit."""
    return bool(getattr(source, "ends", True))


def rewinds(source: Source) -> bool:
    """Whether `load_state_dict` can take a source back to where `state_dict` was taken: its property `rewinds`, by default True.
    From one that cannot, nothing is drawn to plan with but a batch that is trained on first."""
    return bool(getattr(source, "rewinds", True))


@runtime_checkable
class Observer(Protocol):
    """Reads each record of a run, and may answer "stop" or "save"; None and "continue" change nothing.

    A plain function does. One with a second parameter is handed the run as well (`sonde.Live`). An observer that is an object may
    have `state_dict` and `load_state_dict`, for what is to be in a checkpoint, and `close`, called when training ends, however
    it ends.
    """

    def __call__(self, record: Record, /) -> Verdict | None: ...
