"""The first steps: what reaches the network, what it answers before it has learned, what the loss is called with."""

import math
import statistics
from collections.abc import Mapping, Sequence

from sonde.core.units import number
from sonde.diagnose.divergence import NAME as DIVERGED
from sonde.diagnose.rules.rate import FLAT
from sonde.diagnose.seen import Reference, Seen, entropy
from sonde.diagnose.signals import calls
from sonde.diagnose.suspicion import Suspicion

TOO_HIGH = 1.5  # first loss, beside that of an answer without a look at the inputs; healthy 0.99 to 1.07 (doctor.md M4)
TOO_WIDE = (
    4.0  # weights' size beside 1 / √fan; He's initialisation has 1.4, and five times Xavier's is too far (doctor.md M4)
)
TOO_NARROW = 0.1  # the same; torch's own has 0.58, a GPT of width 64 drawn with 0.02 has 0.16
UNSURE = "an answer that is sure of nothing"
FAR = 5.0  # mean of the inputs, in their spreads (doctor.md D3)
WIDE = 20.0  # spread of the inputs: pixels of 0..255 have 80, standardised columns 1
LARGE, SMALL = 100.0, 0.01  # spread of targets (doctor.md D11)
OFF = 3.0  # mean of targets, in their spreads: the first loss is ten times that of their mean
LOOKS = 3
SOON = 50  # steps at the full rate, after which a network that learns shows it
BATCHES = 4
ROWS = 12  # over all batches that are looked at, besides one in each
SORTED = 0.4  # entropy in a batch beside that of one drawn at random; 0.6 is suspicious (doctor.md D10)
HARDER = 1.3  # validation loss beside the training loss (doctor.md M10)


def inputs_constant(seen: Seen) -> Suspicion | None:
    """Every row is the same to the network."""
    looks = [each.entry for each in seen.early() if each.entry is not None]
    if len(looks) < 2 or any(each.constant < 1 for each in looks):
        return None
    return Suspicion(
        name="inputs-constant",
        evidence=f"the input of the first layer is the same in all rows of {len(looks)} batches (mean "
        f"{number(looks[0].mean)}, standard deviation 0)",
        action="check a batch as it is read: a buffer that is never filled, a mask over everything, a scale of 0",
        place="data",
        certainty="certain",
        step=seen.early()[-1].step,
        explains=FOLLOW,
    )


FOLLOW = FLAT | {"labels-unrelated-to-inputs", "dead-units", "initialisation-too-large", "initialisation-too-small",
                 "learning-rate-too-low", "vanishing-gradient", "exploding-gradient", "saturated-units", "learning-rate-too-high",
                 DIVERGED, "zero-gradient", "class-never-predicted", "validation-harder-than-training"}  # fmt: skip


def inputs_not_scaled(seen: Seen) -> Suspicion | None:
    """What reaches the first layer is large or far from 0, no normalisation follows, and the run suffers."""
    look = next((each.entry for each in seen.early() if each.entry is not None), None)
    if look is None or look.normed or look.spread == 0 or look.constant == 1:
        return None
    far = abs(look.mean) > FAR * look.spread and abs(look.mean) > FAR
    uneven = look.widest > 1000 * look.narrowest and look.widest > WIDE
    if not far and look.spread < WIDE and not uneven:
        return None
    first, reference = seen.first_loss(), seen.reference()
    high = first is not None and reference is not None and first > TOO_HIGH * _unsure(reference)
    harmed = high or (seen.trained(SOON) and not seen.learned())
    return Suspicion(
        name="inputs-not-scaled",
        evidence=f"the input of the first layer lies between {number(look.lowest)} and {number(look.highest)} (mean "
        f"{number(look.mean)}, standard deviation {number(look.spread)}), and no normalisation follows"
        + (
            f"; the first loss is {number(first or 0)} where {UNSURE} gives {number(_unsure(reference))}"
            if high and reference
            else ""
        ),
        action="subtract the mean and divide by the standard deviation of the training rows, or begin with a "
        "normalisation layer",
        place="data",
        certainty="likely" if harmed else "suspected",
        step=1,
        explains=FOLLOW,
    )


def initialisation(seen: Seen) -> Suspicion | None:
    """The network is sure of its answers, and wrong, before it has learned anything: weights drawn too large."""
    first, reference, early = seen.first_loss(), seen.reference(), seen.early(1)
    if first is None or not early or seen.context.pretrained:
        return None
    weights = [w for w in early[0].weights if w.summed]
    wide = [w for w in weights if w.scale > TOO_WIDE]
    widest = max(weights, key=lambda w: w.scale, default=None)
    if widest is None or widest.scale <= TOO_WIDE:
        return None
    fresh = None if reference is None else _unsure(reference)
    high = fresh is not None and first > TOO_HIGH * fresh
    if not high and not (len(wide) >= len(weights) / 2 and widest.scale > 2 * TOO_WIDE):
        return None
    guess = f"; the first loss is {number(first)} where {UNSURE} gives {number(fresh)}" if fresh else ""
    return Suspicion(
        name="initialisation-too-large",
        evidence=f"before training {len(wide)} of {len(weights)} weights are {number(TOO_WIDE)} and more "
        f"times larger than suits their inputs, {widest.name} {number(widest.scale)} times{guess}",
        where=widest.name,
        action="initialise them by He's or Xavier's rule: nn.init.kaiming_normal_(weight), "
        "nn.init.xavier_uniform_(weight)",
        place="model",
        certainty="likely",
        step=1,
        explains=FOLLOW | {"targets-not-scaled", "overfitting"},
    )


def _unsure(reference: Reference) -> float:
    """The loss of all classes alike, or of zeros, which is what a network answers that was drawn as it should be: where classes
    are seldom, or values far from 0, that is more than guessing by the targets."""
    if reference.kind == calls.VALUES:
        return reference.value + (reference.middle or 0.0) ** 2
    return max(reference.value, math.log(max(2, reference.classes)))


def initialisation_small(seen: Seen) -> Suspicion | None:
    """Weights drawn so small that next to nothing of the inputs reaches the answers, and nothing is learned."""
    early, context = seen.early(1), seen.context
    if not early or not early[0].weights or context.pretrained or context.phases > 1:
        return None
    if not seen.trained(SOON) or seen.learned():
        return None
    scales = [w.scale for w in early[0].weights if w.size > 0]  # zeros are not drawn: biases with two axes, last layers
    middle = statistics.median(scales or [0.0])
    if not 0 < middle < TOO_NARROW:
        return None
    return Suspicion(
        name="initialisation-too-small",
        evidence=f"before training the median of {len(scales)} weights has {number(middle)} times the size that suits "
        f"its inputs: differences between rows vanish on the way; the loss is {number(seen.level())} after "
        f"{seen.step:,} steps",
        where=min((w for w in early[0].weights if w.size > 0), key=lambda each: each.scale).name,
        action="initialise them by He's or Xavier's rule: nn.init.kaiming_normal_(weight), "
        "nn.init.xavier_uniform_(weight)",
        place="model",
        certainty="likely",
        step=1,
        explains=FOLLOW,
    )


def targets_not_scaled(seen: Seen) -> Suspicion | None:
    """Values to predict that are far from what a fresh network answers, whose squares make the loss."""
    first = seen.first_loss()
    call = next((c for each in seen.early() for c in each.calls if c.kind == calls.VALUES), None)
    if call is None or first is None or not call.sums or not call.sums[0]:
        return None
    n, width = call.sums[0], len(call.sums) // 3
    mean = sum(call.sums[width : 2 * width]) / max(1.0, n * width)
    squares = sum(call.sums[2 * width :]) / max(1.0, n * width)
    spread = math.sqrt(max(0.0, squares - mean * mean))
    apart = abs(mean) > OFF * spread and abs(mean) > OFF
    if not apart and SMALL <= spread <= LARGE:
        return None
    if seen.step >= 50 and seen.learned():
        return None
    return Suspicion(
        name="targets-not-scaled",
        evidence=f"the targets of the first batch have a mean of {number(mean)} and a standard deviation of "
        f"{number(spread)}, and a fresh network predicts values near 0: the first loss is {number(first)}",
        action="train on (target - mean) / standard deviation of the training rows, and scale predictions back",
        place="data",
        certainty="likely",
        step=1,
        explains=FOLLOW,
    )


def loss_negated(seen: Seen) -> Suspicion | None:
    """The loss is one of torch's, times -1."""
    looks = [each for each in seen.early() if len(each.calls) == 1]
    if len(looks) < LOOKS or not all(
        each.loss < 0 < each.calls[0].value and math.isclose(-each.loss, each.calls[0].value, rel_tol=1e-3)
        for each in looks
    ):
        return None
    return Suspicion(
        name="loss-negated",
        evidence=f"the loss is {looks[0].calls[0].name} with its sign flipped ({number(looks[0].loss)} in the first "
        "step): training makes predictions worse",
        action="minimise it as it is, without the minus",
        place="loss",
        certainty="certain",
        step=looks[-1].step,
        explains=FOLLOW | {"overfitting"},
    )


def targets_ignored(seen: Seen) -> Suspicion | None:
    """Nearly all targets are left out of the loss, as its ignore_index."""
    looks = [c for each in seen.early() for c in each.calls if c.kind == calls.CLASSES]
    all_there = [(sum(c.counts.values()), math.prod(c.target)) for c in looks if len(c.target) < len(c.shape)]
    if len(all_there) < LOOKS or not all(total for _, total in all_there):
        return None
    share = 1 - sum(there for there, _ in all_there) / sum(total for _, total in all_there)
    if share < 0.95 or seen.context.task == "masked language model":
        return None
    return Suspicion(
        name="targets-mostly-ignored",
        evidence=f"{number(100 * share)} % of the targets in the first {len(all_there)} steps are left out of the "
        "loss (ignore_index)",
        action="check how the targets are filled: -100 marks a target to ignore",
        place="data",
        certainty="certain",
        step=seen.early()[-1].step,
        explains=FOLLOW | {"overfitting"},
    )


def not_shuffled(seen: Seen) -> Suspicion | None:
    """Each batch holds few of the classes that the batches together hold, or values of a narrow part of their range."""
    looks = [c for each in seen.samples if len(each.calls) == 1 for c in each.calls]
    looks = [c for c in looks if c.target and 1 < c.target[0] <= seen.context.rows]  # a row has one target, or values
    classes = [c.counts for c in looks if c.kind == calls.CLASSES and c.counts and len(c.target) == 1]
    what = (
        _few_classes(classes, seen)
        if classes
        else _narrow([c.sums for c in looks if c.kind == calls.VALUES and c.sums])
    )
    if not what:
        return None
    level, held = seen.level(), [loss for _, loss in seen.held_losses()]
    harmed = bool(classes) or not seen.learned() or (bool(held) and held[-1] > HARDER * level)
    return Suspicion(
        name="rows-not-shuffled",
        evidence=f"{what}: the rows come sorted",
        action="shuffle them: DataLoader(…, shuffle=True); tensors and Datasets are shuffled by themselves",
        place="data",
        certainty="likely" if harmed else "suspected",
        step=seen.samples[-1].step,
        explains=FOLLOW | {"overfitting"},
    )


def _few_classes(looks: Sequence[Mapping[int, int]], seen: Seen) -> str:
    """That batches hold fewer classes than batches drawn at random; empty where they do not."""
    reference = seen.reference()
    if len(looks) < BATCHES or reference is None or reference.classes > 1000:
        return ""
    within = sum(entropy(each) for each in looks) / len(looks)
    pooled: dict[int, int] = {}
    for each in looks:
        for key, count in each.items():
            pooled[key] = pooled.get(key, 0) + count
    total, rows = sum(pooled.values()), round(sum(sum(each.values()) for each in looks) / len(looks))
    if entropy(pooled) < 0.1 or (rows - 1) * len(looks) < ROWS or within > SORTED * entropy(pooled):
        return ""
    if within > SORTED * _drawn([count / total for count in pooled.values()], rows):
        return ""
    return (
        f"a batch holds {number(sum(len(each) for each in looks) / len(looks))} classes on average, {len(looks)} "
        "batches together "
        f"{len(pooled)}"
    )


def _drawn(shares: Sequence[float], rows: int) -> float:
    """Mean entropy of `rows` drawn at random from classes with these shares."""
    if rows > 64:
        return -sum(share * math.log(share) for share in shares if share > 0)
    mean = 0.0
    for share in shares:
        for count in range(1, rows + 1):
            chance = math.comb(rows, count) * share**count * (1 - share) ** (rows - count)
            mean -= chance * count / rows * math.log(count / rows)
    return mean


def _narrow(looks: Sequence[Sequence[float]]) -> str:
    """That values differ less within a batch than between batches; empty where they do not."""
    looks = [each for each in looks if each[0] > 1 and len(each) == len(looks[0])]
    if len(looks) < BATCHES or sum(each[0] - 1 for each in looks) < ROWS:
        return ""
    width = len(looks[0]) // 3
    within = sum(_variance(each, width) for each in looks) / len(looks)
    pooled = _variance([sum(column) for column in zip(*looks, strict=True)], width)
    if pooled <= 0 or within > SORTED**2 * pooled:
        return ""
    a, b = number(math.sqrt(within)), number(math.sqrt(pooled))
    return f"targets spread by {a} in a batch, and by {b} over {len(looks)} batches"


def _variance(sums: Sequence[float], width: int) -> float:
    """Unbiased, mean over the outputs, of (n, Σ, Σ²)."""
    found = 0.0
    for n, first, second in zip(sums[:width], sums[width : 2 * width], sums[2 * width :], strict=True):
        found += max(0.0, second - first * first / n) / max(1.0, n - 1)
    return found / max(1, width)
