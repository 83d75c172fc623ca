"""What the loss on validation rows says beside that on training rows."""

import math
import statistics

from sonde.core.units import number
from sonde.diagnose.seen import Seen
from sonde.diagnose.suspicion import Suspicion

EASIER = 0.7  # validation loss beside the training loss; 40 % wrong labels left 0.4 to 0.65
MOST_LEARNED = (
    0.2  # training loss beside guessing; 10 % wrong labels leave at least 0.24 of ten classes, and 0.47 of two
)
HARDER = 1.3  # the same (doctor.md M10)
MUCH_HARDER = 1.5
FEW = 4  # rows of a batch
OFTEN = 10  # passes, after which
LITTLE = 1000  # rows are known by heart by networks that learn something of 6,000 (`benchmarks/bad_runs`: 300 texts)
WORSE = 1.02  # of an error, from which it counts as larger
SURE = 2.0  # standard errors
NEVER = 0.01  # below guessing; what is never better by more was 1.00 with shuffled labels (doctor.md D1)


def labels_noisy(seen: Seen) -> Suspicion | None:
    """Validation rows are clearly easier than the rows that were trained on, with nothing that makes training harder."""
    if (
        seen.moment != "end"
        or seen.context.harder
        or seen.context.phases > 1
        or not seen.evaluations
        or seen.step < 100
    ):
        return None
    held = seen.evaluations[-1].metrics.get("loss", math.nan)
    level, reference, guess = seen.level(), seen.reference(), seen.held_reference(own=True)
    if seen.context.norms and seen.context.rows < 2 * FEW:
        return None  # whose noise makes training harder
    if any(c.smoothing for each in seen.samples for c in each.calls):
        return None
    if reference is None or not MOST_LEARNED < level / reference.value <= 0.97:
        return None
    # validation rows may be easier to guess, such as a quieter part of a series: each loss beside that of guessing its own
    easier = EASIER * level * min(1.0, guess / reference.value) if guess is not None else EASIER * level
    before = [each.metrics.get("loss", math.nan) for each in seen.evaluations[-3:]]
    if not all(0 < each < easier for each in (held, *before)):
        return None
    return Suspicion(
        name="labels-noisy",
        evidence=f"the training loss stays at {number(level)} and the {seen.held_name()} at {number(held)}, and "
        "neither dropout nor augmentation makes training harder: many of the training labels may be wrong",
        action="check the rows with the highest loss; label smoothing (0.1) tolerates some wrong labels; do the "
        "validation rows come from the same source?",
        place="data",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"underfitting", "plateau", "not-learning"}),
    )


def norm_of_few(seen: Seen) -> Suspicion | None:
    """Batch norm over a few rows, whose statistics are noise."""
    if not seen.context.norms or seen.context.rows > FEW or seen.moment == "training" or not seen.evaluations:
        return None
    if seen.context.batches == 1 and seen.context.rows > 1:
        return None  # all rows there are: each step has the same statistics, and no larger batch is to be had
    held, level = seen.evaluations[-1].metrics.get("loss", math.nan), seen.level()
    reference = seen.reference()
    harmed = held > HARDER * level or (reference is not None and level > 0.5 * reference.value)
    return Suspicion(
        name="batch-norm-of-few-rows",
        evidence=f"{seen.context.norms} batch norms take their statistics from batches of {seen.context.rows} rows; "
        "the training loss "
        f"is {number(level)}, and with the running statistics the {seen.held_name()} {number(held)}",
        action="--batch-size 16 or more, or nn.GroupNorm, which does not depend on the batch; --accumulate does not help here",
        place="model",
        certainty="likely" if harmed else "suspected",
        step=seen.step,
        explains=frozenset(
            {
                "overfitting",
                "plateau",
                "answers-alike",
                "underfitting",
                "learning-rate-too-high",
                "validation-harder-than-training",
                "worse-than-guessing",
                "not-learning",
                "still-improving",
            }
        ),
    )


def worse_than_guessing(seen: Seen) -> Suspicion | None:
    """No evaluation is better than guessing though training rows are learned; or the last ones are worse."""
    guess, reference, held = seen.held_reference(), seen.reference(), [loss for _, loss in seen.held_losses()]
    if seen.moment != "end" or guess is None or reference is None or len(held) < 3 or seen.context.phases > 1:
        return None
    level = seen.level()
    never = min(held) > (1 - NEVER) * guess and level < 0.9 * reference.value
    if not never and not min(held[-2:]) > 1.05 * guess:
        return None
    unrelated = never and not _of_few_rows(seen) and not finds_some(seen)
    if not unrelated and seen.context.by_call and min(held) >= WORSE * guess and not finds_some(seen):
        return None  # of any weights that are kept the same is said as a fact (`baseline.below_guessing`)
    return Suspicion(
        name="labels-unrelated-to-inputs" if unrelated else "worse-than-guessing",
        evidence=f"the training loss came down to {number(level)}, where guessing gives {number(reference.value)}; of "
        f"{len(held)} evaluations the best had a {seen.held_name()} of {number(min(held))} and the last "
        f"{number(held[-1])}, and guessing gives {number(guess)}",
        action="check some rows of both sets with their targets: do they belong together, and do both come from the "
        "same source?",
        place="data" if unrelated else "outcome",
        certainty="likely" if unrelated else "suspected",
        step=seen.step,
        explains=frozenset({"overfitting", "answers-alike", "still-improving", "validation-harder-than-training"})
        if unrelated
        else frozenset(),
    )


def _of_few_rows(seen: Seen) -> bool:
    """Whether training rows are so few, and were seen so often, that learning them by heart says nothing of others either way."""
    epochs, batches = seen.epochs(), seen.context.batches
    return epochs is not None and batches is not None and epochs >= OFTEN and batches * seen.context.rows < LITTLE


def finds_some(seen: Seen) -> bool:
    """Whether more validation rows are answered right than are of the most frequent class, beyond chance: something was learned
    that holds for other rows, whatever the loss of the answers that are wrong and sure."""
    answers, usual = seen.held_answers(), seen.usual()
    if answers is None or usual is None:
        return False
    share, rows = usual
    right = sum(row[place] for place, row in enumerate(answers.confusion)) / rows
    return right > share + SURE * math.sqrt(share * (1 - share) / rows)


def harder_to_judge(seen: Seen) -> Suspicion | None:
    """Validation rows are harder than training rows that no step has seen before: a matter of mode or source, not of learning by
    heart."""
    batches, held = seen.context.batches, seen.held_losses()
    fresh = [(step, loss) for step, loss in held if step >= 100 and (batches is None or step <= batches)][-2:]
    if (
        seen.moment == "training"
        or batches is None
        or len(fresh) < 2
        or seen.trace.first != 1
        or seen.context.phases > 1
    ):
        return None
    pairs = [(loss, statistics.fmean(seen.trace.losses[max(0, step - 20) : step])) for step, loss in fresh]
    noise = seen.noise(50) * math.sqrt(50 / 20)
    if not all(loss > MUCH_HARDER * abs(level) and loss > level + 5 * noise for loss, level in pairs):
        return None
    guess, reference = seen.held_reference(), seen.reference()
    norms = seen.context.norms > 0
    sure = norms and guess is not None and reference is not None and pairs[-1][0] > 1.2 * guess
    sure = sure and reference is not None and pairs[-1][1] < 0.7 * reference.value
    return Suspicion(
        name="validation-harder-than-training",
        evidence=f"at step {fresh[-1][0]:,}, when no row had been seen twice, the training loss was "
        f"{number(pairs[-1][1])} and the "
        f"{seen.held_name()} {number(pairs[-1][0])}",
        action=(
            "the running statistics of batch norm do not fit: a larger batch, another momentum, or nn.GroupNorm"
            if sure
            else "are validation rows preprocessed as training rows are, and from the same source?"
        ),
        place="model",
        certainty="likely" if sure else "suspected",
        step=fresh[-1][0],
        explains=frozenset({"overfitting", "worse-than-guessing"}),
    )


def disagree(seen: Seen) -> Suspicion | None:
    """The validation loss falls, and the metric that counts gets worse."""
    metric, held = seen.context.objective, seen.held_losses()
    scores = [each.metrics[metric] for each in seen.evaluations if metric in each.metrics] if metric else []
    if (
        seen.moment != "end"
        or metric == "loss"
        or len(scores) < 4
        or len(scores) != len(held)
        or seen.context.phases > 1
    ):
        return None
    sign = 1 if seen.context.larger else -1
    losses, good = [loss for _, loss in held], [sign * score for score in scores]
    fell = losses[0] - losses[-1] > 0.1 * abs(losses[0]) and losses[-1] == min(losses)
    worse = good[0] - good[-1] > 0.1 * max(abs(good[0]), 1e-12) and good[-1] <= min(good) + 0.02 * abs(good[0])
    if not fell or not worse:
        return None
    return Suspicion(
        name="loss-and-metric-disagree",
        evidence=f"over {len(scores)} evaluations the {seen.held_name()} fell from {number(losses[0])} to {number(losses[-1])}, "
        f"and {metric} went from {number(scores[0])} to {number(scores[-1])}",
        action=f"does the loss reward what {metric} measures? Check its sign, its targets and its weights",
        place="loss",
        certainty="likely",
        step=seen.step,
    )
