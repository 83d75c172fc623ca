"""The first steps: what reaches the network, what it answers before it has learned, what the loss is called with."""

import math
from collections.abc import Mapping

from sonde.core.units import number
from sonde.diagnose.seen import Seen
from sonde.diagnose.signals import calls
from sonde.diagnose.suspicion import Suspicion

TOO_HIGH = 1.5  # first loss, beside that of an answer without a look at the inputs; healthy 0.99 to 1.07
TOO_WIDE = 4.0  # weights' size beside 1 / √fan; He's initialisation has 1.4
FAR = 5.0  # mean of the inputs, in their spreads
WIDE = 20.0  # spread of the inputs
LOOKS = 3
ROWS = 16  # of a batch, from which the classes in it say something


def inputs_constant(seen: Seen) -> Suspicion | None:
    """Every row is the same to the network."""
    looks = [each.entry for each in seen.early() if each.entry is not None]
    if len(looks) < 2 or any(each.constant < 1 for each in looks):
        return None
    return Suspicion(
        name="inputs-constant",
        evidence=f"what reaches the first layer is the same in all rows of {len(looks)} batches (mean {number(looks[0].mean)}, "
        "spread 0)",
        action="look at a batch as it is read: a buffer that is never filled, a mask over everything, a scale of 0",
        place="data",
        certainty="certain",
        step=seen.early()[-1].step,
        explains=FOLLOW,
    )


FOLLOW = frozenset(
    {"not-learning", "labels-unrelated-to-inputs", "plateau", "answers-alike", "underfitting", "dead-units", "initialisation-too-large",
     "learning-rate-too-low", "vanishing-gradient", "worse-than-guessing", "saturated-units", "learning-rate-too-high",
     "loss-diverged", "zero-gradient", "still-improving"}
)  # fmt: skip


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
    high = first is not None and reference is not None and first > TOO_HIGH * reference.value
    harmed = high or (seen.step >= 50 and not seen.learned())
    return Suspicion(
        name="inputs-not-scaled",
        evidence=f"what reaches the first layer lies between {number(look.lowest)} and {number(look.highest)} (mean "
        f"{number(look.mean)}, spread {number(look.spread)}), and no normalisation follows"
        + (
            f"; the first loss is {number(first or 0)} where guessing has {number(reference.value)}"
            if high and reference
            else ""
        ),
        action="subtract the mean and divide by the spread of the training rows, or begin with a normalisation layer",
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
    wide = [w for w in early[0].weights if w.scale > TOO_WIDE]
    scale = max((w.scale for w in early[0].weights), default=0.0)
    high = reference is not None and first > TOO_HIGH * reference.value
    if not high and not (wide and len(wide) >= len(early[0].weights) / 2 and scale > 2 * TOO_WIDE):
        return None
    widest = max(early[0].weights, key=lambda w: w.scale, default=None)
    if widest is None or widest.scale <= TOO_WIDE:
        return None
    guess = f"; the first loss is {number(first)} where guessing has {number(reference.value)}" if reference else ""
    return Suspicion(
        name="initialisation-too-large",
        evidence=f"before any training {len(wide)} of {len(early[0].weights)} weights are {number(TOO_WIDE)} and more "
        "times as large "
        f"as suits their inputs, {widest.name} {number(widest.scale)} times{guess}",
        where=widest.name,
        action="draw them by He's or Xavier's rule: nn.init.kaiming_normal_(weight), nn.init.xavier_uniform_(weight)",
        place="model",
        certainty="likely",
        step=1,
        explains=frozenset(
            {"saturated-units", "not-learning", "plateau", "dead-units", "learning-rate-too-low", "learning-rate-too-high",
             "loss-diverged", "underfitting", "vanishing-gradient", "worse-than-guessing", "overfitting"}
        ),
    )  # fmt: skip


def targets_not_scaled(seen: Seen) -> Suspicion | None:
    """Values to predict that are far from what a fresh network answers, whose squares make the loss."""
    early, first = seen.early(), seen.first_loss()
    call = next((c for each in early for c in each.calls if c.kind == calls.VALUES), None)
    reference = seen.reference()
    if call is None or first is None or reference is None or not call.sums:
        return None
    if first < 10 * reference.value and 1e-4 < reference.value < 1e4:
        return None
    if seen.step >= 50 and seen.learned():
        return None
    n, total = call.sums[0], call.sums[len(call.sums) // 3]
    return Suspicion(
        name="targets-not-scaled",
        evidence=f"the targets of the first batch have a mean of {number(total / max(1.0, n))} and a spread of "
        f"{number(math.sqrt(reference.value))}, and a fresh network answers near 0: the first loss is {number(first)}",
        action="train on (target - mean) / spread of the training rows, and turn the answers back",
        place="data",
        certainty="likely",
        step=1,
        explains=FOLLOW | {"underfitting", "still-improving"},
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
        evidence=f"the loss is {looks[0].calls[0].name} with its sign turned ({number(looks[0].loss)} in the first step): training "
        "makes the answers worse",
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
        evidence=f"{number(100 * share)} % of the targets in the first {len(all_there)} steps are left out of the loss (ignore_index)",
        action="look at how the targets are filled: -100 stands for none",
        place="data",
        certainty="certain",
        step=seen.early()[-1].step,
        explains=FOLLOW | {"overfitting"},
    )


def not_shuffled(seen: Seen) -> Suspicion | None:
    """Each batch holds few of the classes that the batches together hold."""
    looks = [
        c.counts for each in seen.samples for c in each.calls if c.kind == calls.CLASSES and isinstance(c.counts, dict)
    ]
    looks = [each for each in looks if sum(each.values()) >= ROWS]
    reference = seen.reference()
    if len(looks) < 4 or reference is None or reference.classes > 1000:
        return None
    within = sum(_entropy(each) for each in looks) / len(looks)
    pooled: dict[int, int] = {}
    for each in looks:
        for key, count in each.items():
            pooled[key] = pooled.get(key, 0) + count
    if _entropy(pooled) < 0.1 or within > 0.4 * _entropy(pooled):
        return None
    return Suspicion(
        name="rows-not-shuffled",
        evidence=f"a batch holds {number(sum(len(each) for each in looks) / len(looks))} classes on average, {len(looks)} batches "
        f"together {len(pooled)}: the rows come sorted",
        action="shuffle them: DataLoader(…, shuffle=True); tensors and Datasets are shuffled by themselves",
        place="data",
        certainty="likely",
        step=seen.samples[-1].step,
        explains=FOLLOW | {"overfitting", "still-improving", "class-never-predicted", "validation-worse-than-training"},
    )


def _entropy(counts: Mapping[int, int]) -> float:
    total = sum(counts.values())
    return -sum(count / total * math.log(count / total) for count in counts.values() if count)
