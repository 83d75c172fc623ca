"""What the scores on validation rows say: classes that are never answered, answers that are all alike, rows that are harder."""

import math

from sonde.core.units import number
from sonde.diagnose.seen import Evaluated, Seen
from sonde.diagnose.signals.answers import Answers
from sonde.diagnose.suspicion import Suspicion

ENOUGH = 10  # rows of a class
EASIER = 0.7  # of the training loss
FEW = 4  # rows of a batch
RARE = 0.5  # of the share that each class would have
SLOW_MS, LONG_S = 5.0, 30.0  # reading a batch; all of them together


def never_predicted(seen: Seen) -> Suspicion | None:
    """A class with rows to be judged by that is answered for none of them, where others are learned."""
    last = _answered(seen)
    if last is None or seen.moment == "training" or not last.confusion:
        return None
    recalls = last.found()
    rows = [sum(row) for row in last.confusion]
    given = [sum(row[place] for row in last.confusion) for place in range(len(rows))]
    learned = [place for place, recall in enumerate(recalls) if recall is not None and recall > 0.5]
    missed = [place for place, count in enumerate(rows) if count >= ENOUGH and (recalls[place] or 0.0) < 0.02]
    if not missed or len(learned) < max(1, len([r for r in rows if r]) // 2) or sum(given) == max(given):
        return None
    if len(seen.evaluations) < 2 or seen.step < (50 if seen.moment == "end" else 200):
        return None
    reference = seen.reference()
    counts = {} if reference is None else reference.counts
    total = sum(counts.values())
    place = max(missed, key=lambda each: rows[each])
    rare = total > 0 and counts.get(place, 0) / total < RARE / len(rows)
    share = f"; of the targets in training it is {number(100 * counts.get(place, 0) / total)} %" if total else ""
    return Suspicion(
        name="class-never-predicted",
        evidence=f"class {place} is answered for {number(100 * (recalls[place] or 0.0))} % of its {rows[place]:,} validation rows"
        + (f", and {len(missed) - 1} more classes likewise" if len(missed) > 1 else "")
        + share,
        where=f"class {place}",
        action="weigh the classes (nn.CrossEntropyLoss(weight=…), --balanced), draw rare rows more often, or get more of them",
        place="outcome",
        certainty="likely" if rare else "suspected",  # one as frequent as others is a matter of further steps
        step=seen.step,
    )


def answers_alike(seen: Seen) -> Suspicion | None:
    """All validation rows get the same answer."""
    last = _answered(seen)
    if last is None or seen.moment == "training" or seen.step < 100:
        return None
    if last.confusion:
        given = [sum(row[place] for row in last.confusion) for place in range(len(last.confusion))]
        present = sum(sum(row) > 0 for row in last.confusion)
        if sum(given) < 50 or max(given) < 0.995 * sum(given) or present < 2:
            return None
        biggest = max(sum(row) for row in last.confusion)
        if present == 2 and biggest > 0.9 * sum(given):
            return None
        what = f"class {given.index(max(given))} is answered for {number(100 * max(given) / sum(given))} % of {sum(given):,} rows"
    elif last.wanted > 0 and last.spread < 0.02 * last.wanted:
        what = f"the answers spread by {number(last.spread)} and the targets by {number(last.wanted)}"
    else:
        return None
    return Suspicion(
        name="answers-alike",
        evidence=f"{what} of the validation set",
        action="the network does not use its inputs: see whether it can learn one batch by heart (`sonde doctor RUN`)",
        place="outcome",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"still-improving"}),
    )


def labels_noisy(seen: Seen) -> Suspicion | None:
    """Validation rows are clearly easier than the rows that were trained on, with nothing that makes training harder."""
    if seen.moment != "end" or seen.context.hardened or not seen.evaluations or seen.step < 100:
        return None
    held = seen.evaluations[-1].metrics.get("loss", math.nan)
    level, reference = seen.level(), seen.reference()
    if reference is None or not held > 0 or not held < EASIER * level:
        return None
    if not 0.2 * reference.value < level < 0.97 * reference.value:  # a loss near 0 is learned, whatever the rest is
        return None
    before = [each.metrics.get("loss", math.nan) for each in seen.evaluations[-3:]]
    if not all(each < EASIER * level for each in before):
        return None
    return Suspicion(
        name="labels-noisy",
        evidence=f"the training loss stands at {number(level)} and the validation loss at {number(held)}, and neither "
        "dropout nor "
        "augmentation makes training harder: many of the training labels may be "
        "wrong",
        action="look at the rows with the highest loss; label smoothing (0.1) does with some wrong labels; do the validation rows come "
        "from the same source?",
        place="data",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"underfitting", "plateau", "not-learning"}),
    )


def norm_of_few(seen: Seen) -> Suspicion | None:
    """Batch norm over a few rows, whose statistics are noise."""
    if not seen.context.norms or seen.context.rows > FEW or seen.moment == "training" or not seen.evaluations:
        return None
    held, level = seen.evaluations[-1].metrics.get("loss", math.nan), seen.level()
    reference = seen.reference()
    harmed = held > 1.3 * level or (reference is not None and level > 0.5 * reference.value)
    return Suspicion(
        name="batch-norm-of-few-rows",
        evidence=f"{seen.context.norms} batch norms take their statistics from batches of {seen.context.rows} rows; the training loss "
        f"is {number(level)}, and with the running statistics the validation loss {number(held)}",
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
                "not-learning",
                "still-improving",
            }
        ),
    )


def dropout_too_strong(seen: Seen) -> Suspicion | None:
    """A dropout that leaves next to nothing, and a loss that shows it."""
    rate, where = seen.context.dropout
    if rate < 0.8 or seen.step < 50 or seen.moment == "training":
        return None
    reference, level = seen.reference(), seen.level()
    held = seen.evaluations[-1].metrics.get("loss", math.nan) if seen.evaluations else math.nan
    harmed = (reference is not None and level > 0.5 * reference.value) or held < EASIER * level or not seen.learned()
    return Suspicion(
        name="dropout-too-strong",
        evidence=f"{where} drops {number(100 * rate)} % of its inputs; the training loss is {number(level)}"
        + (f", without dropout on the validation rows {number(held)}" if math.isfinite(held) else ""),
        where=where,
        action="0.1 to 0.5 are usual",
        place="model",
        certainty="likely" if harmed else "suspected",
        step=seen.step,
        explains=frozenset(
            {"underfitting", "not-learning", "plateau", "labels-noisy", "still-improving", "dead-units"}
        ),
    )


def slow_input(seen: Seen) -> Suspicion | None:
    """Much of the training time is spent waiting for rows."""
    spent = seen.spent
    working = sum(spent.get(name, 0.0) for name in ("step", "optimizer", "input"))
    waited = spent.get("input", 0.0)
    if seen.moment != "end" or waited < 1.0 or waited < 0.3 * working or seen.step < 10:
        return None
    a, b = waited / seen.step * 1e3, (working - waited) / seen.step * 1e3
    if a < SLOW_MS and waited < LONG_S:  # what is spent on a step besides; workers would not mend it
        return None
    return Suspicion(
        name="slow-input",
        evidence=f"{number(100 * waited / working)} % of the training time was spent waiting for rows: reading a batch takes "
        f"{number(a)} ms, computing with it {number(b)} ms",
        action="--workers 2 or more (num_workers of a DataLoader), or read and decode the rows once and keep them",
        place="system",
        certainty="likely",
        step=seen.step,
    )


def slow_evaluation(seen: Seen) -> Suspicion | None:
    """More of the run is spent on evaluating than on training."""
    working = sum(seen.spent.get(name, 0.0) for name in ("step", "optimizer", "input"))
    evaluating = seen.spent.get("evaluation", 0.0)
    if seen.moment != "end" or evaluating < 5.0 or evaluating < working or len(seen.evaluations) < 3:
        return None
    return Suspicion(
        name="slow-evaluation",
        evidence=f"{len(seen.evaluations)} evaluations took {number(evaluating)} s, and training {number(working)} s",
        action="--evaluate-every a longer time apart, or fewer validation rows",
        place="system",
        certainty="likely",
        step=seen.step,
    )


def _answered(seen: Seen) -> Answers | None:
    found: list[Evaluated] = [each for each in seen.evaluations if each.answers is not None]
    return found[-1].answers if found else None
