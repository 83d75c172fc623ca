"""Which precision a step is computed in: the one that was asked for, where this machine can and it is no loss.

What a recipe advises is borne out by steps that are tried, and gives way to fp32; what a person typed is refused or obeyed.
"""

import math
import time
from contextlib import suppress
from dataclasses import dataclass

import torch

from sonde.core.batch import Batch
from sonde.core.config import MachineConfig, Precision
from sonde.core.errors import ConfigError, NonFinite
from sonde.engine.step import Stepper
from sonde.engine.timing import HOPELESS, step_seconds

SLOWER = 0.8  # times fp32's speed; nearer to it the clock of a busy machine tells neither from the other
ROUNDS = 3  # in which a precision is to be slower: the same run twice should not be computed in two
LONGEST_TROUBLE = 120  # characters of what a library says


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A precision and what the plan says of it.

    ratio: fp32's time of a step / its own, where that was measured;  sure: whether there is nothing left to measure
    """

    precision: Precision
    why: str = ""
    ratio: float | None = None
    sure: bool = True


def check_precision(config: MachineConfig, device: torch.device) -> None:
    """Refuse a precision the device has no units for. Raises: ConfigError."""
    if config.precision == "fp16" and device.type != "cuda":
        raise ConfigError(f"--precision fp16 needs a CUDA GPU, and this run is on {device.type}; use bf16 or fp32")


def first_look(low: Stepper, full: Stepper, batch: Batch, *, typed: bool, at_most_s: float = math.inf) -> Decided:
    """Whether a step in the lower precision can be computed here, and is not hopelessly slower than in fp32.

    at_most_s: seconds it may take, but for the fewest steps that tell
    Raises: ConfigError for a precision that was typed and cannot be computed
    """
    precision, begun = low.settings.precision, time.perf_counter()
    if trouble := inability(low, full, batch):
        if typed:
            raise ConfigError(
                f"--precision {precision}: this machine cannot compute a step in it ({trouble}); use --precision fp32"
            )
        return Decided(precision="fp32", why=f"{precision} cannot be computed here: {trouble}")
    left_s = at_most_s - (time.perf_counter() - begun)
    ratio = _ratio_below(1 / HOPELESS, low, full, batch, steps=1, at_least_s=0.0, at_most_s=left_s)
    hopeless = ratio is not None and ratio * HOPELESS < 1
    return _weighed(precision, ratio, typed=typed) if hopeless else Decided(precision=precision, sure=False)


def second_look(low: Stepper, full: Stepper, batch: Batch, *, typed: bool, at_most_s: float = math.inf) -> Decided:
    """How much faster the lower precision is with the threads in use. at_most_s: as for `first_look`"""
    each_s = min(0.1, at_most_s / (4 * ROUNDS))  # two of them and their first steps make a round
    ratio = _ratio_below(SLOWER, low, full, batch, steps=3, at_least_s=each_s, at_most_s=at_most_s)
    return _weighed(low.settings.precision, ratio, typed=typed)


def inability(low: Stepper, full: Stepper, batch: Batch) -> str:
    """Why no step in the lower precision can be computed on this machine, in its library's words; empty where one can.

    oneDNN has no LSTM in bfloat16 without AVX-512, and says so only when asked for one. Raises: what a step in fp32 raises
    too, which is no fault of the precision
    """
    try:
        step_seconds(low, batch, steps=1, warm_up=0)
    except NonFinite:
        return ""  # if it is no fluke of trying, the first step will say so with its rows
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as trouble:
        with suppress(NonFinite):  # it was computed, which is what was asked
            step_seconds(full, batch, steps=1, warm_up=0)
        return _shortened(str(trouble)) or type(trouble).__name__
    return ""


def precision_ratio(
    low: Stepper, full: Stepper, batch: Batch, *, steps: int = 3, at_least_s: float = 0.1
) -> float | None:
    """How many times faster a step is in the lower precision than in fp32; None where a loss is not finite."""
    try:
        full_s = step_seconds(full, batch, steps=steps, at_least_s=at_least_s)
        return full_s / step_seconds(low, batch, steps=steps, at_least_s=at_least_s)
    except NonFinite:
        return None


def _ratio_below(
    limit: float, low: Stepper, full: Stepper, batch: Batch, *, steps: int, at_least_s: float, at_most_s: float
) -> float | None:
    """`precision_ratio`, the best of some rounds where it lies below `limit`: a neighbour's burst of work ends no precision.

    No round begins that would end after `at_most_s`, but the first.
    """
    best, begun = None, time.perf_counter()
    for done in range(ROUNDS):
        taken = time.perf_counter() - begun
        if done and taken + taken / done > at_most_s:
            break
        ratio = precision_ratio(low, full, batch, steps=steps, at_least_s=at_least_s)
        if ratio is None or ratio >= limit:
            return ratio
        best = max(ratio, best or 0.0)
    return best


def _weighed(precision: Precision, ratio: float | None, *, typed: bool) -> Decided:
    if ratio is None:
        return Decided(precision=precision)
    told = f"{ratio:.2f} times as fast as fp32 here"
    if ratio >= SLOWER:
        return Decided(precision=precision, why=told, ratio=ratio)
    if typed:
        return Decided(precision=precision, why=f"{told}: --precision fp32 is faster", ratio=ratio)
    return Decided(precision="fp32", why=f"{precision} takes {1 / ratio:.2f} times as long here")


def _shortened(text: str) -> str:
    """The first sentence of what a library says.

    >>> _shortened("could not create a primitive. Run workload with\\nmore")
    'could not create a primitive'
    """
    first = text.strip().split("\n")[0].split(". ")[0].rstrip(".")
    return first if len(first) <= LONGEST_TROUBLE else first[: LONGEST_TROUBLE - 1] + "…"
