"""What happened, as frozen values. Free of torch: a record holds numbers, or device scalars that turn into numbers when read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

STAGE_BEGINS = "stage begins"  # the event at the first step of a stage
Verdict = Literal["continue", "save", "stop"]


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step. `losses` and `norms` hold device scalars: reading one waits for the device."""

    step: int  # 1-based: the number of steps done when this is yielded
    epoch: int  # 0-based
    rows: int
    losses: Mapping[str, Any]  # "<phase>/loss" and "<phase>/<part>"
    norms: Mapping[str, Any]  # phase name -> gradient norm before clipping, for the phases that ran
    lr: float  # of the phase that `main` is the loss of
    main: str = ""  # name of the loss that stands for the step: the first phase's of those at work in this stage

    def number(self, name: str) -> float:
        """`losses[name]` as a float."""
        return float(self.losses[name])


@dataclass(frozen=True, slots=True)
class EvaluationRecord:
    """One pass over a split."""

    step: int
    epoch: int
    split: str
    metrics: Mapping[str, float]
    seconds: float


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that is neither a step nor an evaluation: a change of threads, a resume, a skipped update."""

    step: int
    event: str
    details: Mapping[str, Any] = field(default_factory=dict)


Record = StepRecord | EvaluationRecord | EventRecord
