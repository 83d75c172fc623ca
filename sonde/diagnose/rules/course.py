"""The course of a run: its losses and validation scores over its steps."""

import math
import statistics
from collections.abc import Sequence

from sonde.core.units import number
from sonde.diagnose.divergence import NAME, divergence, remedy
from sonde.diagnose.rules.rate import latest_ratio
from sonde.diagnose.seen import Seen, tries
from sonde.diagnose.suspicion import Suspicion

PATIENT = 100  # steps (doctor.md D1)
SLOW = 300  # steps: plain convolutions at a third of their rate still stood at 0.9 of guessing then (doctor.md D1)
SOME = 0.3  # of the rows that were seen, at least (doctor.md D1)
LEVEL = (
    0.012  # how near to guessing the loss stands where nothing is learned: shuffled labels: 0.98 to 1.00 (doctor.md D1)
)
ALIVE = 2e-4  # median update / size from where weights move; healthy runs lie above 8e-4 (doctor.md D1, O2)
DONE = 0.05  # of guessing: a loss below it has little left to learn
FEW = 10  # steps, of which no course is seen
LAST = 20  # steps whose median is where the loss ends
GAP = 0.6  # training loss beside the validation loss: nearer ones differ by chance, a healthy one of 0.78 did at a high rate
RISES = {"evaluation": (0.3, 3), "training": (0.3, 5)}
"""In the midst of a run, whose validation loss may still come down: by which share of the lowest it has risen, in how many of the
latest evaluations; at the end by a tenth, in three. Between evaluations looks are more frequent, so more is asked."""
TALL = 0.1  # update / size of a layer late in a run; healthy layers ended below 0.086 (doctor.md 0.3)


def not_learning(seen: Seen) -> Suspicion | None:
    """The loss stands where guessing by the frequencies alone puts it, though the weights move."""
    reference, end = seen.reference(), seen.moment in ("end", "failure")
    if seen.step < (PATIENT if end else SLOW) or reference is None or reference.rough or seen.context.phases > 1:
        return None
    epochs = seen.epochs()
    if (epochs is not None and epochs < (SOME if end else 1.0)) or seen.median_ratio(seen.samples) < ALIVE:
        return None
    if not end and not seen.settled():
        return None
    level, error = seen.level(0.2), seen.noise(max(20, len(seen.trace.losses) // 5))
    held, guess = [loss for _, loss in seen.held_losses()], seen.held_reference()
    never = guess is not None and len(held) >= 3 and min(held) > (1 - LEVEL) * guess and level > 0.9 * reference.value
    if level < reference.value * (1 - LEVEL) - 2 * error and not never:
        return None
    beside = f"; of {len(held)} evaluations the best had {number(min(held))}, and guessing gives {number(guess)}" if (
        never and guess is not None
    ) else ""  # fmt: skip
    return Suspicion(
        name="not-learning",
        evidence=f"after {seen.step:,} steps the loss is {number(level)}, and guessing by the frequencies of the "
        f"targets gives {number(reference.value)}{beside}; the weights do move",
        action=f"check some rows with their targets: do they belong together?{tries(seen.context)}",
        place="outcome",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"answers-alike", "worse-than-guessing"}),
    )


def diverged(seen: Seen) -> Suspicion | None:
    """The loss ended far above where it began."""
    if seen.moment not in ("end", "failure"):
        return None
    reference, losses = seen.reference(), seen.trace.losses
    points = [(seen.trace.first + place, loss) for place, loss in enumerate(losses) if math.isfinite(loss)]
    if len(points) < 2:
        return None
    several = seen.context.phases > 1
    found = divergence(
        points,
        seen.first_loss(),
        several=several,
        guessing=reference.value if reference is not None and len(points) >= 2 * LAST else None,
        last=min(LAST, max(1, len(points) // 2)),
    )
    if found is None:
        return None
    return Suspicion(
        name=NAME,
        evidence=found.evidence,
        action=remedy(seen.context.rate, own=seen.context.own_rate, clip=seen.context.clip),
        place="outcome",
        certainty="likely",
        step=found.above,
        explains=frozenset({"not-learning", "answers-alike", "worse-than-guessing", "plateau", "dead-units"}),
    )


def plateau(seen: Seen) -> Suspicion | None:
    """The loss has not fallen for the last two fifths, far from 0: late steps are still long, or nothing else is known."""
    losses = seen.trace.losses
    if seen.moment != "end" or len(losses) < SLOW or seen.context.phases > 1 or not seen.poor() or not seen.settled():
        return None
    fifth = len(losses) // 5
    before, last = statistics.fmean(losses[-3 * fifth : -2 * fifth]), statistics.fmean(losses[-fifth:])
    if before - last > 2 * math.sqrt(2) * seen.noise(fifth) or seen.share(seen.step) < 0.3:
        return None
    ratio, layer, step = latest_ratio(seen)
    high, rate = ratio > TALL, seen.rate()
    peak = f", at first {number(seen.peak())}" if rate < 0.9 * seen.peak() else ""
    return Suspicion(
        name="learning-rate-too-high" if high else "plateau",
        evidence=f"the loss was {number(before)} over steps {seen.step - 3 * fifth:,} to {seen.step - 2 * fifth:,} and is "
        f"{number(last)} over the last {fifth:,}"
        + (f", while step {step:,} still changed {layer} by {number(100 * ratio)} % of its size" if high else ""),
        where=layer if high else "",
        action=f"--lr {number(rate / 10)} (it is {number(rate)}{peak}), or a schedule that lowers it"
        if high
        else f"compare runs with a higher and a lower --lr (it is {number(rate)}{peak}), and a wider network; this "
        "alone does not say which",
        place="optimiser",
        certainty="likely" if high else "suspected",
        step=seen.step,
    )


def overfitting(seen: Seen) -> Suspicion | None:
    """The validation loss has risen well above its lowest while the training loss goes on falling, or stays where learning by
    heart leaves it."""
    scores = seen.held_losses()
    if len(scores) < 4 or seen.context.phases > 1:
        return None
    best_step, best = min(scores, key=lambda each: each[1])
    after = [value for step, value in scores if step > best_step]
    level, then = seen.level(), seen.level_at(best_step)
    share, least = RISES.get(seen.moment, (0.1, 3))
    risen = (
        len(after) >= least
        and min(after[-least:]) > best + share * max(abs(best), 1e-6)
        and level < min(math.inf if then is None else then, GAP * after[-1])
    )
    by_chance = risen and min(after[-3:]) <= best * (1 + _uncertainty(seen))
    by_heart = not risen and _by_heart(seen, level, [loss for _, loss in scores])
    if not risen and not by_heart:
        return None
    guess = seen.held_reference()
    surer = guess is None or scores[-1][1] < guess  # than guessing at least, though less so than it was
    still = risen and surer and _metric_improves(seen, best_step)
    how = (
        f"the {seen.held_name()} was lowest at step {best_step:,} ({number(best)}) and is {number(scores[-1][1])} now, while the "
        f"training loss {'is' if then is None else f'fell from {number(then)} to'} {number(level)}"
        if risen
        else f"the training loss is {number(level)} after {number(seen.epochs() or math.nan)} passes over the rows, and the "
        f"{seen.held_name()} stays at {number(scores[-1][1])}"
    )
    return Suspicion(
        name="overfitting",
        evidence=how
        + (f"; {seen.context.objective} still improves: predictions become overconfident" if still else ""),
        action="the best checkpoint is kept; train for fewer steps (--patience 3), with more data, augmentation, "
        "dropout or weight decay",
        place="outcome",
        certainty="suspected" if still or by_chance else "likely",
        step=best_step,
        explains=frozenset({"still-improving"}),
    )


def _uncertainty(seen: Seen) -> float:
    """Standard error of the validation loss as a share of it, 0 where the rows cannot be counted.

    Of n rows whose losses spread by as much as their mean, 1 / √n. Where most classes are found, the few rows that are not make
    the loss, and their number counts.
    """
    rows, answers = seen.context.held, seen.held_answers()
    if answers is not None and answers.confusion:
        wrong = answers.rows - sum(row[place] for place, row in enumerate(answers.confusion))
        rows = min(rows or answers.rows, max(1, wrong))
    return 1 / math.sqrt(rows) if rows else 0.0


def _by_heart(seen: Seen, level: float, held: Sequence[float]) -> bool:
    """Whether rows were learned by heart, and others are hardly answered better than by guessing, after many passes or long."""
    guess, epochs = seen.held_reference(), seen.epochs()
    if seen.moment != "end" or guess is None or not level < 0.25 * held[-1] or not held[-1] > 0.25 * guess:
        return False
    half = len(held) // 2
    stays = min(held[half:]) > 0.98 * min(held[:half])
    return (epochs is not None and epochs >= 20) or (stays and level < 0.05 * held[-1] and held[-1] > 0.5 * guess)


def _metric_improves(seen: Seen, since: int) -> bool:
    """Whether the metric that chooses the best checkpoint, if not the loss, is clearly better than when the loss was best."""
    metric = seen.context.objective
    if metric is None or metric == "loss":
        return False
    scores = [(each.step, each.metrics[metric]) for each in seen.evaluations if metric in each.metrics]
    then = [score for step, score in scores if step <= since][-1:]
    now = [score for _, score in scores[-2:]]
    if not then or len(now) < 2:
        return False
    sign, usual = 1 if seen.context.larger else -1, seen.usual()
    least = 0.02 * max(abs(then[0]), 1e-12)
    if usual is not None and seen.context.larger and 0 <= then[0] <= 1:  # a share of so few rows moves by chance
        least = max(least, 2 * math.sqrt(then[0] * (1 - then[0]) / usual[1]))
    return all(sign * (score - then[0]) > least for score in now)


def still_improving(seen: Seen) -> Suspicion | None:
    """The run ended while its loss was still falling fast."""
    losses = seen.trace.losses
    if seen.moment != "end" or len(losses) < 2 or seen.context.phases > 1 or seen.context.pretrained:
        return None
    quarter = max(1, len(losses) // 4)
    before, last = statistics.fmean(losses[-2 * quarter : -quarter] or losses[:1]), statistics.fmean(losses[-quarter:])
    fallen, brief, epochs = losses[0] - last, len(losses) < PATIENT, seen.epochs()
    short = epochs is not None and epochs < 1
    held = [loss for _, loss in seen.held_losses()]
    third = len(held) // 3
    better = brief and third > 0 and held[-1] == min(held) and held[-1 - third] - held[-1] > 0.01 * abs(held[-1])
    if not better and (fallen <= 0 or before - last < 0.15 * fallen) and not (short and len(losses) < FEW):
        return None
    if last >= before or (len(losses) < FEW and not short):
        return None  # of a few steps of whole passes nothing can be said
    if overfitting(seen) is not None:
        return None  # a training loss that falls is no reason to go on where the validation loss rises
    reference = seen.reference()
    done = last < (
        DONE * reference.value if reference is not None else DONE * losses[0]
    )  # what is left to learn is little
    return Suspicion(
        name="still-improving",
        evidence=f"in the last quarter of {seen.step:,} steps the loss went from {number(before)} to {number(last)}"
        + (f", and only {number(100 * (epochs or 0))} % of the rows were seen" if short else ""),
        action="train longer: "
        + (
            "the same call with out=RUN, and more epochs= or steps=, continues from here"
            if seen.context.by_call
            else "`sonde resume RUN`, with more --epochs or --steps, continues from here"
        ),
        place="outcome",
        certainty="likely" if (brief or short) and len(losses) >= FEW and not done else "suspected",
        step=seen.step,
    )
