"""What happened, as frozen values. Free of torch: a record holds numbers, or device scalars that turn into numbers when read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

STAGE_BEGINS = "stage begins"  # the event at the first step of a stage
EPOCH_ENDS = "epoch ends"  # the event after an epoch's last step, and after the evaluation that falls due there
END_MOVED = "end moved"  # the event of a run under a time limit whose pace is not what was planned
LENGTH_KNOWN = "length known"  # the event of a run whose first pass showed how long an epoch is
RESUMED = "resumed"  # the event before the first step of a resumed run
RUN_ENDS = "run ends"  # the event after the final evaluation; its details are what result.json holds
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
    """One pass over a split during training."""

    step: int  # steps done before it
    epoch: int  # 0-based: that of the last step
    split: str  # "validation"
    metrics: Mapping[str, float]  # name -> value, as in metrics.jsonl
    seconds: float  # it took


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that is neither a step nor an evaluation.

    "epoch ends" ({"epoch": 0-based}) follows an epoch's last step and the evaluation that falls due there; "stage begins"
    ({"stage": name}) the first step of a stage; "resumed" comes before the first step of a resumed run; "run ends" after the
    final evaluation, with the content of result.json. There are changes of threads and of the planned end too.
    """

    step: int  # steps done
    event: str
    details: Mapping[str, Any] = field(default_factory=dict)


Record = StepRecord | EvaluationRecord | EventRecord
