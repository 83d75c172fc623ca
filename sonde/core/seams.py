"""The seams of the engine. A source yields batches; a task owns modules and phases; a meter adds up; an observer reads."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import numpy as np
from torch import Tensor, nn
from torch.optim import Optimizer

from sonde.core.batch import Batch
from sonde.core.records import Record, StepRecord, Verdict


class Loss(NamedTuple):
    """A scalar to minimise and what it averages over.

    weight: how many things `value` is the mean of (rows, unmasked targets, unpadded tokens): a number, or a device
            scalar known only after the forward. The engine scales by it, so that micro-batches never change the gradient.
    parts:  named scalars for the record only
    """

    value: Tensor
    weight: Tensor | float
    parts: Mapping[str, Tensor] = {}


@dataclass(frozen=True)
class Stage:
    """A part of a run that phases share; stages follow one another in the order in which a task's phases name them.

    share: weight of this stage when the run's steps are dealt out: two stages with 3 and 1 take three quarters and one
    steps: its length in steps instead; shares are then of what is left. The last stage goes on to the run's end.
    """

    name: str
    share: float = 1.0
    steps: int | None = None


@dataclass(frozen=True, kw_only=True)
class Phase:
    """One optimiser update inside a step. What it leaves open is the run's.

    name:       key of its optimiser, prefix of its losses
    loss:       the objective of this phase
    trains:     the modules it, and no other phase of its stage, updates
    every:      runs on the steps divisible by this (1-based: every=5 runs on steps 5, 10, …)
    optimizer:  settings in which its optimiser, rate, schedule and clipping differ from the run's ({"optimizer": "sgd",
                "lr": 0.1}), or a function from its named parameters to an optimiser, made before the run's first step
    schedule:   share of the peak rate by 0-based step; of a phase in a stage, counted from the stage's first step
    clip:       largest gradient norm; 0 for none
    clip_value: largest absolute gradient entry; 0 for none
    stage:      the part of the run in which it is at work; None for all of it
    """

    name: str
    loss: Callable[[Batch], Loss]
    trains: Sequence[nn.Module]
    every: int = 1
    optimizer: Mapping[str, Any] | Callable[[list[tuple[str, nn.Parameter]]], Optimizer] | None = None
    schedule: Callable[[int], float] | None = None
    clip: float | None = None
    clip_value: float | None = None
    stage: Stage | None = None

    def parameters(self) -> list[nn.Parameter]:
        """The trainable parameters of `trains`, each once."""
        seen = {id(p): p for module in self.trains for p in module.parameters() if p.requires_grad}
        return list(seen.values())


class Objective(NamedTuple):
    """What 'better' means for a run: a key of the meter's metrics and its direction."""

    metric: str
    mode: Literal["max", "min"]

    def better(self, new: float, old: float | None) -> bool:
        """Strictly better; NaN never is; anything is better than None."""
        if new != new:
            return False
        if old is None or old != old:
            return True
        return new > old if self.mode == "max" else new < old


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
    """One problem: its modules, how a step improves them, how they are judged and used.

    across_rows: names of the losses that mix rows (contrastive, batch Dice), for which micro-batches are not the big batch
    """

    @property
    def modules(self) -> nn.ModuleDict: ...
    @property
    def phases(self) -> Sequence[Phase]: ...
    @property
    def objective(self) -> Objective: ...
    @property
    def across_rows(self) -> Sequence[str]: ...

    def evaluate(
        self, batch: Batch
    ) -> Mapping[str, Tensor]: ...  # what the meter's update takes; no gradient, eval mode
    def meter(self) -> Meter: ...
    def predict(self, batch: Batch) -> Mapping[str, Tensor]: ...
    def readable(
        self, outputs: Mapping[str, Tensor]
    ) -> list[dict[str, Any]]: ...  # predict's rows in words and numbers
    def after_step(self, record: StepRecord) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...  # beyond the modules: centres, hidden state, counts
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


@runtime_checkable
class Adapts(Protocol):
    """A task that lets a validation choose something of its own, such as a decision threshold.

    Called with the meter of each validation before its scores are read; what was chosen belongs to the task's `state_dict`,
    which is kept with the best weights.
    """

    def adapt(self, meter: Meter) -> None: ...


@runtime_checkable
class Compares(Protocol):
    """A task that knows what can be reached without a look at the inputs, so that its scores can be read beside that.

    known, judged: the fields `target` (and `mask`) of all training rows, and of all rows that were judged
    Returns what the trivial answer is, in words, and its metrics.
    """

    def trivial(self, known: Mapping[str, Tensor], judged: Mapping[str, Tensor]) -> tuple[str, dict[str, float]]: ...


@runtime_checkable
class Glances(Protocol):
    """A task whose `evaluate` is long work, such as a search for each row: while training goes on it is asked for less.

    glance: for the same meter as `evaluate`, whose scores then stand for those of the whole; at the end all is judged
    """

    def glance(self, batch: Batch) -> Mapping[str, Tensor]: ...


@runtime_checkable
class ByRule(Protocol):
    """A task that knows a plain rule which needs no training, but does look at inputs; its scores stand beside the model's.

    rule:    what it is, in words
    by_rule: what the rule answers, for the meter of `evaluate`
    """

    @property
    def rule(self) -> str: ...
    def by_rule(self, batch: Batch) -> Mapping[str, Tensor]: ...


@runtime_checkable
class Draws(Protocol):
    """A task that can show a row it was judged on, with the truth and its answer.

    pixels: (C, H, W) uint8, the image as it is stored; case: its entry of the meter's `worst` or `best`, or of `readable`
    Returns (3, H, W) uint8, of another height and width where there is more to show.
    """

    def picture(self, pixels: np.ndarray, case: Mapping[str, Any]) -> np.ndarray: ...


@runtime_checkable
class Writes(Protocol):
    """A task that can write something of its own, to be shown in the report.

    context: tokens that its model reads at most
    Returns one dict per text, "text" among its keys.
    """

    def written(self, context: int) -> list[dict[str, Any]]: ...


@runtime_checkable
class Source(Protocol):
    """Batches of one epoch, from the current position; iterating again gives the next epoch.

    The position is that of the last batch consumed, whatever was prefetched: `state_dict` taken between two `next` calls
    and loaded into a fresh source continues with the very next batch. At an epoch's end an iterator from a restored source
    yields nothing and the one after it starts the next epoch.
    """

    @property
    def batches(self) -> int | None: ...  # per epoch; None where only time will tell

    @property
    def epoch(self) -> int: ...  # 0-based, of the batch to come

    def __iter__(self) -> Iterator[Batch]: ...
    def describe(self, index: int) -> str: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


@runtime_checkable
class Observer(Protocol):
    """Reads frozen records and may answer with a verdict; touches nothing."""

    def __call__(self, record: Record) -> Verdict: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...
