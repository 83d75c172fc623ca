"""Learning rates that are far too high or far too low, by what a step changes; and what keeps them low."""

import itertools
import math
import statistics
from collections.abc import Sequence

from sonde.core.units import number
from sonde.diagnose.divergence import NAME as DIVERGED
from sonde.diagnose.seen import NEAR_ZERO, Seen
from sonde.diagnose.suspicion import Suspicion

HIGHEST = 0.2  # update / size of a layer; 45 healthy runs reached 0.085 in their first five steps, at three times their rate 0.15
SURELY = 1.0  # no healthy step changes a layer by as much as it is
LOWEST = 2e-4  # median update / size; healthy runs lie above 8e-4, a rate / 1000 below 7e-5 (doctor.md O2)
EARLY = 200  # steps in which a rate that is too high shows
RISEN = 3.0  # times the first loss (doctor.md O1 (b))
SOON = 5  # steps, before which only a loss that has risen says something
FEW = 20  # steps, before which a loss that has not come down says nothing
PATIENT = 100  # steps (doctor.md O2)
FIRST = 10  # steps whose mean is where the loss began: a batch of values alone is off by a fifth and more
NO_RATE = 0.01  # share of the peak rate that moves nothing
USED_AT_ALL = 0.6  # the same where the loss was still falling: tenths at a third and two thirds of the steps leave 0.67
USED = 0.3  # share of the steps with a rate, below which the schedule is to blame
HORIZON = 100  # steps: what is decayed to nothing in fewer has no time to learn
DECAYS = ("adamw", "muon", "sgd")  # optimisers whose decay takes rate x decay of the weights at each step
BY_SIZE = ("sgd", "nesterov", "momentum")  # optimisers whose steps are as long as their gradients
FLAT = frozenset({"not-learning", "plateau", "answers-alike", "underfitting", "still-improving", "worse-than-guessing"})
FOLLOW = FLAT | {"dead-units", DIVERGED, "saturated-units", "exploding-gradient", "weights-not-finite", "overfitting",
                 "class-never-predicted", "validation-harder-than-training", "loss-and-metric-disagree"}  # fmt: skip


def too_high(seen: Seen) -> Suspicion | None:
    """Steps change a layer by a large share of its size while the loss does not come down, or has risen far above its start."""
    first, rate = seen.first_loss(), seen.context.rate
    early, grown = [each for each in seen.samples if each.step <= EARLY], _from_nothing(seen)
    ratios = [(w.ratio, w.name, s.step) for s in early for w in s.weights if w.scale > NEAR_ZERO and w.size < math.inf]
    ratios = [each for each in ratios if math.isfinite(each[0]) and each[1] not in grown]
    largest, layer, step = max(ratios, default=(0.0, "", 0))
    if largest <= HIGHEST or first is None:
        return None
    top = max((each for each in seen.trace.losses[1:] if math.isfinite(each)), default=-math.inf)
    broken = any(not math.isfinite(each) for each in seen.trace.losses)
    alone = seen.context.phases == 1  # of several, whose losses pull against each other, no loss says so
    risen = alone and first > 0 and (top > RISEN * first or broken)
    if seen.step < SOON and not risen:
        return None
    harmed = largest > SURELY or risen or (alone and seen.step >= FEW and seen.progress() < 0.1)
    if not harmed and alone and not seen.poor():
        return None  # embeddings of categories move by as much, and well
    return Suspicion(
        name="learning-rate-too-high",
        evidence=f"step {step} changed {layer} by {number(100 * largest)} % of its size"
        + (f", and the loss went from {number(first)} to {number(top)}" if risen else ""),
        where=layer,
        action=f"--lr {number(rate / 10)} (it is {number(rate)}), or a --warmup; --lr auto finds one",
        place="optimiser",
        certainty="likely" if harmed else "suspected",
        step=min(at for ratio, _, at in ratios if ratio > HIGHEST),
        explains=FOLLOW,
    )


def _from_nothing(seen: Seen) -> set[str]:
    """Weights that begin near 0: their size is that of the first few steps, which any next one changes by a large share."""
    return {w.name for each in seen.early(1) for w in each.weights if w.scale <= NEAR_ZERO}


def latest_ratio(seen: Seen) -> tuple[float, str, int]:
    """(update / size, layer, step): the largest of a sample's layers, the smallest of the last three samples."""
    found = []
    for sample in seen.samples[-3:]:
        ratios = [(w.ratio, w.name, sample.step) for w in sample.weights if w.scale > NEAR_ZERO and w.ratio < math.inf]
        found.append(max(ratios, default=(0.0, "", sample.step)))
    return min(found) if len(found) == 3 else (0.0, "", 0)


def too_low(seen: Seen) -> Suspicion | None:
    """Steps hardly change the weights, and the loss hardly moves."""
    first = seen.first_loss()
    if seen.step < PATIENT or first is None or seen.context.pretrained or not seen.samples:
        return None
    shares = [seen.share(each.step) for each in seen.samples]
    at_peak = [each for each, share in zip(seen.samples, shares, strict=True) if share >= 0.5 * max(shares)]
    ratio = seen.median_ratio(at_peak)
    if not 0 < ratio < LOWEST or seen.context.phases > 1 or _has_moved(seen):
        return None
    if keeps_low(seen) is not None:
        return None  # the schedule is to blame
    rate = seen.context.rate
    return Suspicion(
        name="learning-rate-too-low",
        evidence=f"a step changes the weights by {number(100 * ratio)} % of their size; after {seen.step:,} steps the loss is "
        f"{number(seen.level())}, at first {number(first)}",
        action=f"--lr {number(rate * 10)} or more (it is {number(rate)}); --lr auto finds one",
        place="optimiser",
        certainty="likely",
        step=seen.step,
        explains=FLAT | {"plateau", "class-never-predicted"},
    )


def _has_moved(seen: Seen) -> bool:
    """Whether the loss is a tenth below guessing; where that is not known, a tenth below its first steps' mean (doctor.md O2)."""
    reference = seen.reference()
    if reference is not None:
        return seen.level() < 0.9 * reference.value
    began = statistics.fmean(seen.trace.losses[:FIRST])
    return began - seen.level() > 0.1 * abs(began)


def keeps_low(seen: Seen) -> Suspicion | None:
    """The schedule gives most steps next to none of the rate: a warm-up longer than the run, a decay in its first steps."""
    shares = _shares(seen)
    if len(shares) < 20 or seen.step < 3:
        return None
    used = sum(share > NO_RATE for share in shares) / len(shares)
    rising = shares[-1] >= shares[0] and max(shares) == shares[-1]
    fall = "" if used <= USED or used > USED_AT_ALL else _cut_off(seen, shares)
    if used > USED and not (rising and shares[-1] < 0.1) and not fall:
        return None
    total = seen.context.total if seen.context.shares is not None and seen.context.total else seen.step
    what = f"rises to {number(100 * max(shares))} % of the rate by the last step" if rising else (
        f"leaves less than {number(100 * NO_RATE)} % of the rate after step {round(used * total):,} of {total:,}"
    )  # fmt: skip
    return Suspicion(
        name="schedule-keeps-rate-low",
        evidence=f"the schedule {what}{fall}",
        action="let it count the steps of this run: --schedule cosine does, --warmup is a share or a number of steps"
        if seen.context.shares is not None
        else "let the scheduler's numbers (gamma, step_size, milestones, T_max) suit the steps or epochs of this run, "
        "or use --schedule cosine, which does",
        place="optimiser",
        certainty="certain" if used < 0.1 and seen.context.shares is not None else "likely",
        step=seen.step,
        explains=FLAT | {"learning-rate-too-low", "class-never-predicted"},
    )


def _cut_off(seen: Seen, shares: Sequence[float]) -> str:
    """That a loss which is still high fell as far in the second half of the rate that was given as in the first, in words.

    Of a loss that has come as far down as the rows allow, nearly all of its fall lies in the first half; one that no rate was
    left for falls until that is gone. shares: of the peak rate over all steps, evenly between
    """
    first, losses = seen.first_loss(), seen.trace.losses
    if seen.moment != "end" or first is None or len(losses) < PATIENT or not seen.poor() or seen.context.phases > 1:
        return ""
    given = list(itertools.accumulate(shares))
    half = 1 + round(len(losses) * sum(each < given[-1] / 2 for each in given) / len(given))
    near = losses[max(0, half - FIRST) : half + FIRST]
    if not near:
        return ""
    began, then = statistics.fmean(losses[:FIRST]), statistics.fmean(near)
    late = then - seen.level()
    if not late > 0.5 * max(0.0, began - then) or not late > 2 * seen.noise() or not late > 0.05 * abs(began):
        return ""
    return (
        f"; the loss was still falling while it went: {number(began)} at first, {number(then)} at step {half:,}, "
        f"{number(seen.level())} at the end"
    )


def _shares(seen: Seen) -> list[float]:
    """Shares of the peak rate over the run's steps: as the schedule gives them, or at the end as a scheduler of torch's did."""
    total, shares = seen.context.total, seen.context.shares
    if shares is not None:
        return [abs(float(shares(step))) for step in range(0, total or 0, max(1, (total or 0) // 200))]
    if seen.moment != "end" or len(seen.samples) < 5 or seen.trace.first != 1:
        return []
    return [seen.share(step) for step in range(1, seen.step + 1, max(1, seen.step // 200))]


def clip_too_tight(seen: Seen) -> Suspicion | None:
    """Nearly every gradient is cut to a small part, and the optimiser's steps are as long as its gradients."""
    clip = seen.context.clip
    if not clip or seen.context.optimizer not in BY_SIZE:
        return None
    norms = [each for each in seen.trace.norms if math.isfinite(each)]
    if len(norms) < PATIENT:
        return None
    cut = sum(each > clip for each in norms) / len(norms)
    middle = statistics.median(norms)
    if cut < 0.95 or middle < 10 * clip or seen.median_ratio(seen.samples) > LOWEST:
        return None
    return Suspicion(
        name="clip-too-tight",
        evidence=f"{number(100 * cut)} % of the gradients are clipped to {number(clip)}, the median one to "
        f"{number(clip / middle)} of its norm; with this optimiser the learning rate shrinks by as much",
        action=f"--clip {number(statistics.quantiles(norms, n=10)[-1])}, which clips one in ten",
        place="optimiser",
        certainty="likely",
        step=seen.step,
        explains=FLAT | {"learning-rate-too-low", "class-never-predicted"},
    )


def _half_life(taken: float) -> str:
    """Steps in which weights are halved. taken: share of them at each step"""
    return number(math.log(0.5) / math.log1p(-taken)) if taken < 0.5 else "1"


def decay_too_strong(seen: Seen) -> Suspicion | None:
    """Weight decay has taken most of the weights away, or takes what is learned within `HORIZON` steps, and little is learned.

    Where steps are long the weights need not shrink: new ones come as fast as old ones go (AdamW's entries stay at 1 / decay).
    """
    decay, rate = seen.context.weight_decay, seen.context.rate
    if len(seen.samples) < 3 or not decay or seen.step < 20:
        return None
    first, last = ({w.name: w.size for w in each.weights} for each in (seen.samples[0], seen.samples[-1]))
    shrunk = [last[name] / size for name, size in first.items() if size > 0 and name in last]
    forgets = decay * rate * HORIZON > 1 and seen.context.optimizer in DECAYS
    harmed = not seen.learned() or (decay * rate * HORIZON > 1 and seen.poor())
    if not shrunk or not harmed or (statistics.median(shrunk) > 0.3 and not (forgets and seen.step >= PATIENT)):
        return None
    taken = min(1.0, decay * rate)
    return Suspicion(
        name="weight-decay-too-strong",
        evidence=f"weights have {number(100 * statistics.median(shrunk))} % of their first size after "
        f"{seen.samples[-1].step:,} steps: --weight-decay {number(decay)} removes {number(100 * taken)} % of them at "
        "each step"
        + (f", so half of what a step has learned is gone {_half_life(taken)} steps later" if forgets else ""),
        action=f"--weight-decay {number(decay / 100)} or less; 0.01 to 0.1 are usual",
        place="optimiser",
        certainty="likely",
        step=seen.step,
        explains=FLAT | {"vanishing-gradient", "dead-units", "class-never-predicted", "learning-rate-too-high"},
    )
