"""Gradients that vanish, explode or are not there."""

import math
import statistics
from collections.abc import Sequence

import numpy as np

from sonde.core.units import number
from sonde.diagnose.rules.rate import FLAT
from sonde.diagnose.seen import Seen
from sonde.diagnose.signals import calls
from sonde.diagnose.signals.sample import Sample, Weights
from sonde.diagnose.suspicion import Suspicion

SILENT = 0.999  # share of a layer's units
WEAKER = 1e-2  # of the last layer's; healthy networks lie between 0.16 and 11 (doctor.md 0.3, M2)
SURELY = 1e-3  # AUTOTRAINER's limit
STEP = 1.3  # from a layer to the next, the middle one: of twelve layers 1e-2 needs 1.5; a jump between two networks is none
DEEP = 4  # weights
LOOKS = 3
TALLER = 10.0  # norms beside the middle one of the hundred before (doctor.md M3)
OFTEN, OF = 3, 10  # steps (doctor.md M3)
BEFORE = 100
RECENT = 600  # steps that are looked through: two samples are at most 256 apart as a rule


def vanishing(seen: Seen) -> Suspicion | None:
    """The error arrives at the first layers many times weaker than at the last, and weaker from layer to layer."""
    looks = [each for each in seen.samples if _ratio(each) is not None]
    if len(looks) < LOOKS or len(looks[0].weights) < DEEP or seen.context.phases > 1:
        return None
    ratios = [ratio for each in looks if (ratio := _ratio(each)) is not None]
    middle = statistics.median(ratios)
    if middle > WEAKER or ratios[0] > WEAKER or _by_layer(looks[0]) < STEP:
        return None
    first, last = _ends(looks[0])
    return Suspicion(
        name="vanishing-gradient",
        evidence=f"the gradient of {first.name} is {number(_size(first))}, that of {last.name} {number(_size(last))} "
        f"in the first step: {number(1 / max(ratios[0], 1e-30))} times weaker; over {len(looks)} measurements "
        f"{number(1 / max(middle, 1e-30))} times",
        where=first.name,
        action="use relu or gelu instead of sigmoid or tanh, add shortcuts or normalisation between the layers, or fewer layers",
        place="gradient",
        certainty="likely" if middle < SURELY or not seen.learned() else "suspected",
        step=looks[0].step,
        explains=FLAT | {"learning-rate-too-low", "labels-unrelated-to-inputs", "class-never-predicted"},
    )


def zero(seen: Seen) -> Suspicion | None:
    """No weight gets a gradient other than zero."""
    looks = seen.early()
    if len(looks) < LOOKS or any(w.gradient != 0 for each in looks for w in _moved(each)) or not _moved(looks[0]):
        return None
    if any(each.kind == calls.ZEROED and each.silent > SILENT for look in looks for each in look.outputs):
        return None  # no error gets past units that are silent for every row, which says more
    return Suspicion(
        name="zero-gradient",
        evidence=f"the gradient of every weight is exactly 0 in the first {len(looks)} steps",
        action="the loss does not depend on the weights through differentiable functions: argmax, rounding, "
        "comparisons and detach() have no gradient; compute it from the network's scores",
        place="loss",
        certainty="certain",
        step=looks[-1].step,
        explains=FLAT | {"learning-rate-too-low", "dead-units"},
    )


def exploding(seen: Seen) -> Suspicion | None:
    """Gradients have grown far above those of the hundred steps before, and the loss has risen with them and stays there."""
    norms, losses = seen.trace.norms, seen.trace.losses
    if len(norms) != len(losses) or len(losses) < 3 * OF + BEFORE // 2 or seen.context.phases > 1:
        return None
    begin = max(BEFORE // 2, len(norms) - RECENT)
    recent = norms[begin:]
    if not max(recent) > TALLER * min(recent):
        return None
    now = statistics.median(losses[-2 * OF :])
    for place in _above_half(norms, begin, len(norms) - 2 * OF):
        before = norms[max(0, place - BEFORE) : place]
        middle = statistics.median(before)
        if not norms[place] > TALLER * middle:
            continue
        if sum(not each <= TALLER * middle for each in norms[place : place + OF]) < OFTEN:
            continue
        then, noise = losses[max(0, place - BEFORE) : place], statistics.pstdev(losses[max(0, place - 30) : place])
        if not now > statistics.median(then[-30:]) + max(3 * noise, 0.1 * abs(statistics.median(then))):
            continue
        largest = max(norms[place : place + OF])
        step = seen.trace.first + place
        where = _steepest(seen, step)
        return Suspicion(
            name="exploding-gradient",
            evidence=f"from step {step:,} on gradients reach {number(largest)}, where the median of the {len(before)} "
            f"steps before is {number(middle)}; the loss has risen from {number(statistics.median(then[-30:]))} to "
            f"{number(now)}",
            where=where,
            action=f"--clip {number(_ninetieth(before))}, which would have clipped one in ten until then; a lower "
            "--lr, a longer --warmup",
            place="gradient",
            certainty="likely",
            step=step,
            explains=FLAT | {"diverged", "weights-not-finite", "dead-units"},
        )
    return None


def _above_half(norms: Sequence[float], begin: int, end: int) -> list[int]:
    """The places whose norm is far above half of those before it: all that can be far above the middle one, found in one go."""
    first = max(0, begin - BEFORE)
    here = np.asarray(norms[first:end])
    padded = np.concatenate([np.full(BEFORE, np.nan), here])[:-1]  # nan counts nowhere
    before = np.lib.stride_tricks.sliding_window_view(padded, BEFORE)
    smaller = (before * TALLER < here[:, None]).sum(1)
    enough = np.minimum(np.arange(len(here)), BEFORE) // 2
    places = first + np.flatnonzero(smaller >= enough)
    return places[places >= begin].tolist()


def _ninetieth(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=10)[-1]


def _steepest(seen: Seen, step: int) -> str:
    """Name of the weight with the largest gradient at the first look from a step on."""
    look = next((each for each in seen.samples if each.step >= step), None)
    moved = [] if look is None else _moved(look)
    return max(moved, key=_size).name if moved else ""


def _moved(sample: Sample) -> list[Weights]:
    """Those whose phase ran."""
    return [each for each in sample.weights if not math.isnan(each.gradient)]


def _ends(sample: Sample) -> tuple[Weights, Weights]:
    return sample.weights[0], sample.weights[-1]


def _size(weights: Weights) -> float:
    """Norm of its gradient."""
    return weights.gradient * math.sqrt(weights.entries)


def _by_layer(sample: Sample) -> float:
    """By how many times a weight's gradient is larger than the one's before it, the middle of all; inf of a first that is 0."""
    sizes = [_size(each) for each in sample.weights]
    steps = [
        after / before if before > 0 else math.inf for before, after in zip(sizes, sizes[1:], strict=False) if after > 0
    ]
    return statistics.median(steps) if steps else 0.0


def _ratio(sample: Sample) -> float | None:
    """Norm of the first weight's gradient beside the last's; None where there is none."""
    if len(sample.weights) < 2:
        return None
    first, last = _ends(sample)
    if not last.gradient > 0 or not math.isfinite(first.gradient) or not math.isfinite(last.gradient):
        return None
    return _size(first) / _size(last)
