"""Gradients that vanish, explode or are not there."""

import math
import statistics

from sonde.core.units import number
from sonde.diagnose.seen import Seen
from sonde.diagnose.signals import calls
from sonde.diagnose.signals.sample import Sample, Weights
from sonde.diagnose.suspicion import Suspicion

WEAKER = 1e-2  # of the last layer's; healthy networks lie between 0.16 and 11
DEEP = 4  # weights
LOOKS = 3


def vanishing(seen: Seen) -> Suspicion | None:
    """The error arrives at the first layers many times weaker than at the last."""
    looks = [each for each in seen.samples if _ratio(each) is not None]
    if len(looks) < LOOKS or len(looks[0].weights) < DEEP:
        return None
    ratios = [ratio for each in looks if (ratio := _ratio(each)) is not None]
    middle = statistics.median(ratios)
    if middle > WEAKER or ratios[0] > WEAKER:
        return None
    first, last = _ends(looks[0])
    return Suspicion(
        name="vanishing-gradient",
        evidence=f"the gradient of {first.name} is {number(_size(first))}, that of {last.name} {number(_size(last))} "
        "in the first "
        f"step: {number(1 / max(ratios[0], 1e-30))} times weaker; over {len(looks)} looks {number(1 / max(middle, 1e-30))} times",
        where=first.name,
        action="use relu or gelu instead of sigmoid or tanh, add shortcuts or normalisation between the layers, or fewer layers",
        place="gradient",
        certainty="likely" if middle < 1e-3 or not seen.learned() else "suspected",
        step=looks[0].step,
        explains=frozenset(
            {
                "not-learning",
                "plateau",
                "underfitting",
                "answers-alike",
                "still-improving",
                "learning-rate-too-low",
                "worse-than-guessing",
                "labels-unrelated-to-inputs",
            }
        ),
    )


def zero(seen: Seen) -> Suspicion | None:
    """No weight gets a gradient other than zero."""
    looks = seen.early()
    if len(looks) < LOOKS or any(w.gradient != 0 for each in looks for w in each.weights) or not looks[0].weights:
        return None
    if any(o.kind == calls.ZEROED and o.silent == 1 for each in looks for o in each.outputs):
        return None  # units that say nothing pass nothing back
    return Suspicion(
        name="zero-gradient",
        evidence=f"the gradient of every weight is exactly 0 in the first {len(looks)} steps",
        action="the loss does not depend on the weights by anything that can be differentiated: argmax, rounding, comparisons "
        "and detach() have no gradient; compute it of the network's scores",
        place="loss",
        certainty="certain",
        step=looks[-1].step,
        explains=frozenset(
            {
                "answers-alike",
                "not-learning",
                "plateau",
                "learning-rate-too-low",
                "underfitting",
                "worse-than-guessing",
                "dead-units",
            }
        ),
    )


def _ends(sample: Sample) -> tuple[Weights, Weights]:
    return sample.weights[0], sample.weights[-1]


def _size(weights: Weights) -> float:
    """Norm of its gradient."""
    return weights.gradient * math.sqrt(weights.entries)


def _ratio(sample: Sample) -> float | None:
    """Norm of the first weight's gradient beside the last's; None where there is none."""
    if len(sample.weights) < 2:
        return None
    first, last = _ends(sample)
    if not last.gradient > 0 or not math.isfinite(first.gradient) or not math.isfinite(last.gradient):
        return None
    return _size(first) / _size(last)
