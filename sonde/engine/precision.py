"""Which precision a step is computed in: what was typed is obeyed or refused, what a recipe advises has to be worth it.

A recipe's lower precision is kept where the device has units for it, a step can be computed in it, the network's matrix products
are large enough to gain (which is counted), and a step is clearly faster than in fp32 (which is timed). The count comes first,
so that a network that is about as fast in both is computed in fp32 every time, whatever the clock of a busy machine says.
"""

import math
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

import torch
from torch import nn

from sonde.core.batch import Batch
from sonde.core.config import MachineConfig, Precision
from sonde.core.errors import ConfigError, NonFinite
from sonde.core.units import count
from sonde.engine.product_size import mean_product
from sonde.engine.step import Stepper
from sonde.engine.timing import HOPELESS, step_seconds
from sonde.optim.build import product_dtype

FASTER = 1.15  # times fp32's speed that a recipe's precision has to have in the median of the rounds
ROUNDS = 5  # of timings, in turn with fp32's; as many as decide where the median lies
LOOKS = 3  # of a step each, that have to find a precision hopeless
LARGE = {"cpu": 5e7, "cuda": 1e9}
"""Floating-point operations of the mean matrix product from which on the lower precision is tried. Measured with AVX512_BF16 on a
busy machine, medians of 9 to 40 alternating timings: 1.05 to 1.46 times fp32's speed from 5 to 31 million (tiny networks, whose
quartiles reach from 0.73 to 1.96), 1.5 to 2.3 from 73 million on. Below it some gain is given up so that equal runs are computed
in the same precision. The limit for GPUs is an estimate: a smaller product takes less time there than its launch."""
LONGEST_TROUBLE = 120  # characters of what a library says


@dataclass(frozen=True, kw_only=True)
class Decided:
    """A precision and what the plan says of it.

    ratio: fp32's time of a step / that of the lower precision, where it was measured, also where fp32 was decided on
    sure:  whether there is nothing left to measure
    """

    precision: Precision
    why: str = ""
    ratio: float | None = None
    sure: bool = True


def check_precision(config: MachineConfig, device: torch.device, modules: nn.Module | None = None) -> None:
    """Refuse a precision the device has no units for, or the caller's networks nothing to compute in. Raises: ConfigError."""
    if config.precision != "fp32" and modules is not None:
        kinds = {p.dtype for p in modules.parameters() if p.is_floating_point() or p.is_complex()}
        if kinds and not kinds & {torch.float32, torch.bfloat16, torch.float16}:
            names = ", ".join(sorted(str(kind).removeprefix("torch.") for kind in kinds))
            way = ", or take the network to float32 with .float()" if kinds == {torch.float64} else ""
            raise ConfigError(
                f"--precision {config.precision} has no effect on a network of {names}: mixed precision computes float32 "
                f"products in less; leave it out{way}"
            )
    if config.precision == "fp16" and device.type != "cuda":
        raise ConfigError(f"--precision fp16 needs a CUDA GPU, and this run is on {device.type}; use bf16 or fp32")


def no_units(device: torch.device) -> str:
    """Why a recipe's lower precision gains nothing on a device, whatever the network; empty where it may.

    The units are AVX512_BF16 or AMX of a processor, those of compute capability 8.0 or more of a CUDA GPU.
    """
    if device.type == "cuda":
        has_units = torch.cuda.get_device_capability(device) >= (8, 0)
    else:
        has_units = product_dtype(device.type) == torch.bfloat16
    return "" if has_units else f"this {device.type} has no units for bf16"


def worth_trying(low: Stepper, full: Stepper, batch: Batch, *, scale: float = 1.0) -> Decided:
    """Whether a recipe's precision can pay off here, found without a clock: the precision itself, or fp32 with the reason.

    scale: times as many rows a batch of the run has as `batch`, which is a part of one
    """
    precision, device = low.settings.precision, full.settings.device
    if lack := no_units(device):
        return Decided(precision="fp32", why=lack)
    if trouble := inability(low, full, batch):
        return Decided(precision="fp32", why=f"{precision} cannot be computed here: {trouble}")
    size, large = scale * mean_product(full, batch), LARGE[device.type]
    if size < large:
        why = f"{precision} not tried: the mean matrix product takes {_millions(size)} operations, and fewer than "
        return Decided(precision="fp32", why=f"{why}{_millions(large)} gain nothing reliable")
    return Decided(precision=precision, sure=False)


def first_trial(low: Stepper, full: Stepper, batch: Batch, *, typed: bool, at_most_s: float = math.inf) -> Decided:
    """Whether a step in the lower precision can be computed here, and is not hopelessly slower than in fp32.

    at_most_s: seconds it may take, but for the fewest steps that tell
    Raises: ConfigError for a precision that was typed and cannot be computed
    """
    precision, begun = low.settings.precision, time.perf_counter()
    if typed and (trouble := inability(low, full, batch)):
        raise cannot_compute(precision, trouble)
    left_s = at_most_s - (time.perf_counter() - begun)
    hopeless: list[float] = []
    for ratio in islice(_ratios(low, full, batch, steps=1, at_least_s=0.0, at_most_s=left_s), LOOKS):
        if ratio is None or ratio * HOPELESS >= 1:
            return Decided(precision=precision, sure=False)
        hopeless.append(ratio)
    return _weighed(precision, statistics.median(hopeless), typed=typed)


def second_trial(low: Stepper, full: Stepper, batch: Batch, *, typed: bool, at_most_s: float = math.inf) -> Decided:
    """How much faster the lower precision is with the threads in use. at_most_s: as for `first_trial`"""
    each_s = min(0.05, at_most_s / (4 * ROUNDS))  # two of them and their first steps make a round
    found: list[float] = []
    for ratio in _ratios(low, full, batch, steps=2, at_least_s=each_s, at_most_s=at_most_s):
        if ratio is None:
            return Decided(precision=low.settings.precision)
        found.append(ratio)
        below = sum(one < FASTER for one in found)
        if 2 * max(below, len(found) - below) > ROUNDS:
            break  # on which side of the limit the median lies is settled
    return _weighed(low.settings.precision, statistics.median(found), typed=typed)


def cannot_compute(precision: Precision, trouble: str) -> ConfigError:
    """The error for a precision that was typed and that this machine cannot compute in."""
    return ConfigError(
        f"--precision {precision}: this machine cannot compute a step in it ({trouble}); use --precision fp32"
    )


def inability(low: Stepper, full: Stepper, batch: Batch) -> str:
    """Why no step in the lower precision can be computed on this machine, in its library's words; empty where one can.

    oneDNN has no LSTM in bfloat16 without AVX-512, and reports it only when one is made. Raises: what a step in fp32 raises
    too, which is no fault of the precision
    """
    try:
        step_seconds(low, batch, steps=1, warm_up=0)
    except NonFinite:
        return ""  # if it is no fluke of trying, the first step will say so with its rows
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as trouble:
        with suppress(NonFinite):  # it was computed, which is what was to be found out
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


def _ratios(
    low: Stepper, full: Stepper, batch: Batch, *, steps: int, at_least_s: float, at_most_s: float
) -> Iterator[float | None]:
    """`precision_ratio` of `ROUNDS` rounds; none begins that would end after `at_most_s` seconds, but the first."""
    begun = time.perf_counter()
    for done in range(ROUNDS):
        taken = time.perf_counter() - begun
        if done and taken + taken / done > at_most_s:
            return
        yield precision_ratio(low, full, batch, steps=steps, at_least_s=at_least_s)


def _weighed(precision: Precision, ratio: float, *, typed: bool) -> Decided:
    measured = f"{ratio:.2f} times as fast as fp32 here"
    if typed:
        better = ": --precision fp32 is faster" if ratio < 1 / FASTER else ""
        return Decided(precision=precision, why=f"{measured}{better}", ratio=ratio)
    if ratio < FASTER:
        return Decided(precision="fp32", why=f"{precision} is {measured}, which is not clearly faster", ratio=ratio)
    return Decided(precision=precision, why=measured, ratio=ratio)


def _millions(operations: float) -> str:
    """In words.

    >>> _millions(31.4e6), _millions(1e9), _millions(2e5)
    ('31 million', '1,000 million', '0.2 million')
    """
    millions = operations / 1e6
    return f"{count(round(millions)) if millions >= 1 else f'{millions:.1f}'} million"


def _shortened(text: str) -> str:
    """The first sentence of what a library says.

    >>> _shortened("could not create a primitive. Run workload with\\nmore")
    'could not create a primitive'
    """
    first = text.strip().split("\n")[0].split(". ")[0].rstrip(".")
    return first if len(first) <= LONGEST_TROUBLE else first[: LONGEST_TROUBLE - 1] + "…"
