"""What was decided about how a run is carried out, and why. It never overrides what was typed.

This is the place where the choices of the machine are made: threads, memory format, eager or compiled, number of steps under
a time limit; `engine/precision` has one of its own. Each choice is a function that measures and returns a value with its reason.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from sonde.core.batch import Batch
from sonde.core.config import MachineConfig, Precision
from sonde.core.errors import ConfigError
from sonde.core.pace import Pace
from sonde.core.progress import Tick, silent
from sonde.core.units import number
from sonde.engine.step import Stepper
from sonde.engine.timing import fewest_within, thread_candidates, time_threads


@dataclass(frozen=True, kw_only=True)
class ExecutionPlan:
    """`plan.json`."""

    device: str
    precision: Precision
    threads: int
    steps: int | None  # None where it is known only at the end of a pass
    steps_why: str
    ends: Mapping[str, int] = field(default_factory=dict)  # "epochs", "steps" that were given -> the last step
    passes: int | None = None  # epochs that were given, of a source of unknown length
    final_s: float = 0.0  # of a time limit, kept back for what comes after the training
    last_evaluation_s: float = 0.0  # and before that, for the evaluation at the training's end
    evaluation_s: Mapping[str, float] = field(default_factory=dict)  # expected: "quick", and of each split
    threads_timed: Mapping[str, float] = field(default_factory=dict)  # count -> milliseconds a step
    precision_ratio: float | None = (
        None  # fp32's time of a step / the lower precision's, also where fp32 was decided on
    )
    precision_why: str = ""
    feed: str = ""
    feed_why: str = ""
    compile: bool = False
    compile_s: float | None = None  # seconds that compiling took
    compiled_ms: float | None = None  # of a step
    eager_ms: float | None = None  # of the same step without compiling
    channels_last: bool = False
    batches_per_epoch: int | None = None
    lines: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @staticmethod
    def from_dict(saved: Mapping[str, Any]) -> "ExecutionPlan":
        """The inverse of `as_dict`, after a trip through JSON."""
        return ExecutionPlan(**{**saved, "lines": tuple(saved["lines"])})


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def threads_allowed() -> int | None:
    """How many threads the environment allows a program (OMP_NUM_THREADS); None where it says nothing that is a number.

    Of a list, one entry for each level of nesting, the first counts.
    """
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isdecimal() and int(first) else None


def most_threads() -> int:
    """The largest number of threads that is tried."""
    return min(cores(), threads_allowed() or cores())


def pick_device(requested: str) -> torch.device:
    """The device a run uses. Raises: ConfigError for one that is absent or unknown."""
    if requested == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", torch.cuda.current_device())
        return torch.device("mps") if torch.backends.mps.is_available() else torch.device("cpu")
    try:
        device = torch.device(requested)
    except RuntimeError:
        raise ConfigError(f"--device {requested!r} is not a device; use cpu, cuda, cuda:1 or mps") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ConfigError(f"--device {requested}: torch {torch.__version__} sees no CUDA GPU; use --device cpu")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"--device {requested}: this machine has {torch.cuda.device_count()} GPU(s), numbered from cuda:0"
        )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("--device mps: this machine has no Apple GPU; use --device cpu")
    if device.type not in ("cpu", "cuda", "mps"):
        raise ConfigError(f"--device {requested!r} is not supported; use cpu, cuda, cuda:1 or mps")
    if requested == "cuda":
        return torch.device("cuda", torch.cuda.current_device())
    return torch.device("cpu") if device.type == "cpu" else device  # torch takes cpu:3 as well, and tensors say cpu


def choose_threads(
    stepper: Stepper,
    batch: Batch | None,
    config: MachineConfig,
    *,
    resumed: int | None = None,
    scale: float = 1.0,
    steps: int | None = None,
    tick: Tick = silent,
) -> tuple[int, dict[str, float], str]:
    """(threads, milliseconds a step by count, reason). A typed number is taken as it is; a resumed run keeps its own.

    batch: None where nothing need be timed;  scale: times as many rows a batch of the run has
    steps: of the run, None where they are not known: a short one is over before the counts were timed
    """
    if config.threads is not None:
        return config.threads, {}, f"{_threads(config.threads)} (typed)"
    if resumed is not None:
        return resumed, {}, f"{_threads(resumed)} (as before the resume)"
    if stepper.settings.device.type != "cpu":
        count = torch.get_num_threads()
        return count, {}, f"{_threads(count)} for the host"
    assert batch is not None, "threads are timed on a batch"
    candidates = thread_candidates(most_threads())
    tried = time_threads(stepper, batch, candidates, steps=steps, tick=tick)
    if len(tried) < len(candidates) and (first := next(iter(tried))) == candidates[0]:
        return first, {}, f"{_threads(first)} (others not timed: {steps or 0:,} steps take less time)"
    timed = {count: value * scale for count, value in tried.items()}
    chosen = fewest_within(timed)
    others = ", ".join(f"{_threads(count)}: {number(value * 1e3)}" for count, value in timed.items() if count != chosen)
    allowed = f"OMP_NUM_THREADS={most_threads()} allows no more" if most_threads() < cores() else ""
    told = "; ".join(filter(None, [f"{number(timed[chosen] * 1e3)} ms a step", others, allowed]))
    reason = f"{_threads(chosen)} ({told})"
    return chosen, {str(count): round(value * 1e3, 4) for count, value in timed.items()}, reason


def _threads(count: int) -> str:
    return f"{count} thread{'s' if count != 1 else ''}"


def steps_within(
    *,
    limit_s: float,
    step_s: float,
    batches_per_epoch: int,
    evaluation_s: float,
    evaluate_every: float,
    final_s: float,
    pace: Pace | None = None,
) -> int:
    """Updates that fit into a time limit beside their evaluations, leaving 4 % for checkpoints and a machine that slows down.

    pace: at which batches are made, which `step_s` leaves out; None where that is all there is

    >>> steps_within(limit_s=100, step_s=0.1, batches_per_epoch=100, evaluation_s=0, evaluate_every=1, final_s=0)
    960
    """
    per_step = step_s + evaluation_s / (evaluate_every * batches_per_epoch)
    left_s = limit_s * 0.96 - final_s
    return max(1, math.floor(left_s / per_step) if pace is None else pace.within(left_s, per_step))
