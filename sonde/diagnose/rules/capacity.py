"""Networks that can do too little: a bottleneck, or units that are dropped."""

import math

from sonde.core.units import number
from sonde.diagnose.rules.held import EASIER
from sonde.diagnose.seen import Seen
from sonde.diagnose.signals.sample import Sample, Weights
from sonde.diagnose.suspicion import Suspicion

STRONG = 0.8  # rate of a dropout; 0.7 and more is too much for hidden units (doctor.md M12), 0.5 is usual
BOTTLENECK = 4  # classes for each unit of the narrowest layer


def underfitting(seen: Seen) -> Suspicion | None:
    """The training loss stays high, that of validation rows with it, and a layer on the way lets next to nothing through."""
    reference, held = seen.reference(), [loss for _, loss in seen.held_losses()]
    epochs = seen.epochs()
    if seen.moment != "end" or reference is None or not seen.poor() or seen.step < 100 or not seen.samples:
        return None
    if (epochs is not None and epochs < 1) or (held and held[-1] > 1.3 * seen.level()) or seen.context.phases > 1:
        return None
    narrow = _narrowest(seen.samples[0], reference.classes)
    if narrow is None:
        return None
    return Suspicion(
        name="underfitting",
        evidence=f"the training loss is {number(seen.level())} after {seen.step:,} steps, where guessing gives "
        f"{number(reference.value)}, and {narrow.name} gives {narrow.units} number{'s' * (narrow.units > 1)} for a "
        f"row, from which {reference.classes} classes are to be distinguished",
        where=narrow.name,
        action=f"make it wider: {4 * reference.classes} units or more",
        place="model",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"not-learning", "plateau", "answers-alike", "still-improving", "class-never-predicted"}),
    )


def _narrowest(sample: Sample, classes: int) -> Weights | None:
    """The narrowest layer all of whose few units are all that the next takes; gates, which multiply, are none."""
    if classes <= 2:
        return None
    gates = {output.name.split(" → ")[0] for output in sample.outputs if output.name.endswith("→ sigmoid")}
    found = [
        one
        for one, after in zip(sample.weights, sample.weights[1:], strict=False)
        if 0 < one.units == after.inputs and one.units * BOTTLENECK <= classes and one.inputs > one.units
        if not {one.name.rpartition(".")[0], after.name.rpartition(".")[0]} & gates
    ]
    return min(found, key=lambda each: each.units, default=None)


def dropout_too_strong(seen: Seen) -> Suspicion | None:
    """A dropout that leaves next to nothing, and a loss that shows it."""
    rate, where = seen.context.dropout
    if rate < STRONG or seen.step < 50 or seen.moment == "training":
        return None
    reference, level = seen.reference(), seen.level()
    held = seen.evaluations[-1].metrics.get("loss", math.nan) if seen.evaluations else math.nan
    harmed = (reference is not None and level > 0.5 * reference.value) or held < EASIER * level or not seen.learned()
    return Suspicion(
        name="dropout-too-strong",
        evidence=f"{where} drops {number(100 * rate)} % of its inputs; the training loss is {number(level)}"
        + (f", without dropout the {seen.held_name()} {number(held)}" if math.isfinite(held) else ""),
        where=where,
        action="0.1 to 0.5 are usual",
        place="model",
        certainty="likely" if harmed else "suspected",
        step=seen.step,
        explains=frozenset(
            {
                "underfitting",
                "not-learning",
                "plateau",
                "labels-noisy",
                "still-improving",
                "dead-units",
                "answers-alike",
                "class-never-predicted",
                "worse-than-guessing",
                "learning-rate-too-high",
            }  # fmt: skip
        ),
    )
