"""Learning rates that are far too high or far too low, by what a step changes."""

import math
import statistics

from sonde.core.units import number
from sonde.diagnose.seen import Seen
from sonde.diagnose.suspicion import Suspicion

HIGHEST_AT_FIRST = 0.2  # update / size of a layer in the first five steps; 45 healthy runs reached 0.085, at three times their rate 0.15
LOWEST = 2e-4  # median update / size; healthy runs lie above 8e-4
NEAR_ZERO = 1e-4  # size of weights (root mean square) of which a share says nothing: they begin at zero
RISEN = 3.0  # times the first loss
PATIENT = 100  # steps


def too_high(seen: Seen) -> Suspicion | None:
    """The first steps change a layer by a large share of its size, or the loss has risen far above its beginning."""
    first = seen.first_loss()
    ratios = [(w.ratio, w.name, s.step) for s in seen.early() for w in s.weights if w.size > NEAR_ZERO]
    largest, layer, step = max(ratios, default=(0.0, "", 0))
    losses = seen.trace.losses
    top = max(losses[1:], default=-math.inf)
    risen = first is not None and first > 0 and top > RISEN * first and seen.context.phases == 1
    rate = seen.context.rate
    if largest > HIGHEST_AT_FIRST:
        harmed = first is not None and (risen or seen.level() > 0.9 * first)
        return Suspicion(
            name="learning-rate-too-high",
            evidence=f"step {step} changed {layer} by {number(100 * largest)} % of its size"
            + (f", and the loss went from {number(first or 0.0)} to {number(top)}" if risen else ""),
            where=layer,
            action=f"--lr {number(rate / 10)} (it is {number(rate)}), or --warmup",
            place="optimiser",
            certainty="likely" if harmed else "suspected",
            step=step,
            explains=frozenset({"dead-units", "loss-diverged", "not-learning", "saturated-units", "plateau"}),
        )
    return None


def too_low(seen: Seen) -> Suspicion | None:
    """Steps hardly change the weights, and the loss hardly moves."""
    first = seen.first_loss()
    if seen.step < PATIENT or first is None or seen.context.pretrained:
        return None
    shares = [seen.context.share(each.step) for each in seen.samples]
    at_peak = [each for each, share in zip(seen.samples, shares, strict=True) if share >= 0.5 * max(shares)]
    ratio = seen.median_ratio(at_peak)
    progress = (first - seen.level()) / abs(first) if first else 0.0
    if not ratio < LOWEST or progress > 0.1 or statistics.fmean(seen.trace.losses) == 0:
        return None
    rate = seen.context.rate
    return Suspicion(
        name="learning-rate-too-low",
        evidence=f"a step changes the weights by {number(100 * ratio)} % of their size; after {seen.step:,} steps the loss is "
        f"{number(seen.level())}, at first {number(first)}",
        action=f"--lr {number(rate * 10)} or more (it is {number(rate)}); --lr auto finds one",
        place="optimiser",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"not-learning", "plateau", "underfitting"}),
    )
