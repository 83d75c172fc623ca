"""The course of a run: losses and validation scores over its steps."""

import math
import statistics

from sonde.core.units import number
from sonde.diagnose.seen import Seen
from sonde.diagnose.suspicion import Suspicion

PATIENT = 100  # steps
LEVEL = 0.012  # how near to guessing the loss stands where nothing is learned, as a share of it
RISEN = 3.0


def not_learning(seen: Seen) -> Suspicion | None:
    """The loss stands where guessing by the frequencies alone puts it, though the weights move."""
    reference = seen.reference()
    if seen.step < PATIENT or reference is None or seen.context.phases > 1:
        return None
    level, error = seen.level(0.2), seen.noise(max(20, len(seen.trace.losses) // 5))
    if level < reference.value * (1 - LEVEL) - 2 * error or seen.median_ratio(seen.samples) < 2e-4:
        return None
    epochs = seen.step / seen.context.batches if seen.context.batches else 1.0
    if epochs < 0.3:
        return None
    return Suspicion(
        name="not-learning",
        evidence=f"after {seen.step:,} steps the loss is {number(level)}, and guessing by the frequencies of the targets has "
        f"{number(reference.value)}; the weights do move",
        action="look at some rows with their targets: do they belong together? `sonde doctor RUN` tries whether the "
        "network can learn "
        "a single batch by heart",
        place="outcome",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"answers-alike", "worse-than-guessing", "still-improving"}),
    )


def diverged(seen: Seen) -> Suspicion | None:
    """The loss stays far above where it began."""
    first, losses = seen.first_loss(), seen.trace.losses
    if first is None or first <= 0 or len(losses) < 20 or seen.context.phases > 1:
        return None
    level = statistics.median(losses[-max(10, len(losses) // 10) :])
    if not level > RISEN * first:
        return None
    return Suspicion(
        name="loss-diverged",
        evidence=f"the loss began at {number(first)} and stands at {number(level)} after {seen.step:,} steps",
        action=f"--lr {number(seen.context.rate / 10)}, a --warmup, or --clip 1",
        place="optimiser",
        certainty="likely",
        step=seen.step,
        severity="error",
    )


def overfitting(seen: Seen) -> Suspicion | None:
    """The validation loss has risen well above its lowest while the training loss goes on falling."""
    scores = [
        (each.step, each.metrics["loss"])
        for each in seen.evaluations
        if math.isfinite(each.metrics.get("loss", math.nan))
    ]
    if len(scores) < 4 or seen.moment == "training":
        return None
    best_step, best = min(scores, key=lambda each: each[1])
    after = [value for step, value in scores if step > best_step]
    reference = seen.reference()
    guess = abs(reference.value if reference is not None else seen.first_loss() or 0.0)
    if len(after) < 3 or min(after[-3:]) < best + max(
        0.1 * abs(best), 0.02 * guess, 1e-6
    ):  # of what is next to nothing no part
        return None
    level, then = seen.level(), _level_at(seen, best_step)
    if not level < then:
        return None
    return Suspicion(
        name="overfitting",
        evidence=f"the validation loss was lowest at step {best_step:,} ({number(best)}) and is {number(after[-1])} "
        "now, while the "
        f"training loss fell from {number(then)} to {number(level)}",
        action="the best checkpoint is kept; train for fewer steps (--patience 3), with more data, augmentation, dropout or "
        "weight decay",
        place="outcome",
        certainty="likely",
        step=best_step,
        explains=frozenset({"still-improving"}),
    )


def still_improving(seen: Seen) -> Suspicion | None:
    """The run ended while its loss was still falling fast."""
    losses = seen.trace.losses
    if seen.moment != "end" or len(losses) < 10 or seen.context.phases > 1 or seen.context.pretrained:
        return None
    quarter = len(losses) // 4
    before, last = statistics.fmean(losses[-2 * quarter : -quarter]), statistics.fmean(losses[-quarter:])
    fallen = losses[0] - last
    if fallen <= 0 or before - last < 0.15 * fallen:
        return None
    epochs = seen.step / seen.context.batches if seen.context.batches else None
    short = epochs is not None and epochs < 1
    return Suspicion(
        name="still-improving",
        evidence=f"in the last quarter of {seen.step:,} steps the loss fell from {number(before)} to {number(last)}"
        + (f", and only {number(100 * (epochs or 0))} % of the rows were seen" if short else ""),
        action="train longer: --epochs or --steps; the same command goes on from here",
        place="outcome",
        certainty="likely" if len(losses) < PATIENT or short else "suspected",
        step=seen.step,
    )


def _level_at(seen: Seen, step: int) -> float:
    place = step - seen.trace.first + 1
    near = seen.trace.losses[max(0, place - 20) : place] or seen.trace.losses[:20]
    return statistics.fmean(near)
