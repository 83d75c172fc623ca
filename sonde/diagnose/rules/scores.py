"""What is answered to validation rows: classes that never are, classes that are rare, answers that are all alike."""

from collections.abc import Callable

from sonde.core.units import number
from sonde.diagnose.seen import Evaluated, Seen, tries
from sonde.diagnose.signals.answers import Answers
from sonde.diagnose.suspicion import Suspicion

ENOUGH = 15  # rows of a class: of a class that is found in 0.3 of its rows, none of 15 is right once in 200 times (doctor.md D6)
WIDE = 30  # rows of a class, below which how many of them are found is too uncertain (doctor.md D6)
FEWEST = 5  # the same where all rows have one answer
RARE = 10.0  # times fewer rows than the largest class (doctor.md D6, SageMaker)
ALIKE = 0.995  # share of the rows with one answer
NARROW = 0.02  # spread of the answers beside that of the targets; a target broadcast over the batch left 0.006 (doctor.md 0.3)
TIMES = 3  # evaluations in a row, before the end


def never_predicted(seen: Seen) -> Suspicion | None:
    """A class with rows to be judged by that is answered for none of them, where others are learned."""
    last = _answered(seen)
    if last is None or seen.moment == "training" or not last.confusion or not seen.of_rows():
        return None
    recalls = last.found()
    rows = [sum(row) for row in last.confusion]
    given = [sum(row[place] for row in last.confusion) for place in range(len(rows))]
    learned = [place for place, recall in enumerate(recalls) if recall is not None and recall > 0.5]
    missed = [place for place, count in enumerate(rows) if count >= ENOUGH and (recalls[place] or 0.0) < 0.02]
    if not missed or len(learned) < max(1, len([r for r in rows if r]) // 2) or sum(given) == max(given):
        return None
    if len(seen.evaluations) < 2 or not _lasts(seen, lambda answers: _misses(answers, missed[0])):
        return None
    reference = seen.reference()
    counts = {} if reference is None else reference.counts
    total = sum(counts.values())
    place = max(missed, key=lambda each: rows[each])
    share = (
        f"; of {total:,} training targets that were counted it is {number(100 * counts.get(place, 0) / total)} %"
        if total
        else ""
    )
    usual = total > 0 and counts.get(place, 0) > 0.5 * total / max(1, len(counts))
    return Suspicion(
        name="class-never-predicted",
        evidence=f"class {place} is predicted for {number(100 * (recalls[place] or 0.0))} % of its {rows[place]:,} "
        "validation rows"
        + (f", and the same holds for {len(missed) - 1} more classes" if len(missed) > 1 else "")
        + share,
        where=f"class {place}",
        action=f"{weighing(seen)}, or get more rows of it",
        place="outcome",
        certainty="suspected"
        if usual and seen.poor()
        else "likely",  # of a network that has learned little it is no news
        step=seen.step,
    )


def weighing(seen: Seen) -> str:
    """How rare classes count for more, as a setting or a line of code."""
    if not seen.context.by_call:
        return "weight the classes (--class-weights balanced), or draw rare ones more often (--balanced)"
    return (
        "weight the classes: with n = y.bincount().clamp(min=1) of the training targets, "
        "nn.CrossEntropyLoss(weight=n.sum() / (len(n) * n)); or draw rare ones more often: a DataLoader with "
        "WeightedRandomSampler(1 / n[y], len(y))"
    )


def single_answer(answers: Answers) -> int | None:
    """The class that (nearly) all rows are answered by, where rows are of several; None where there is none."""
    given = [sum(column) for column in zip(*answers.confusion, strict=True)]
    several = sum(sum(row) > 0 for row in answers.confusion) > 1
    return given.index(max(given)) if several and max(given) >= ALIKE * sum(given) else None


def imbalance(seen: Seen) -> Suspicion | None:
    """A class that is many times rarer than another, and found in few of its rows."""
    last, reference = _answered(seen), seen.reference()
    if seen.moment != "end" or last is None or reference is None or not reference.counts or not seen.of_rows():
        return None
    most = max(reference.counts.values())
    rows, recalls = [sum(row) for row in last.confusion], last.found()
    single = single_answer(last)  # by which more is known than by the few rows of one class
    least = FEWEST if single is not None else WIDE
    rare = [
        place
        for place, count in reference.counts.items()
        if count * RARE < most and place < len(rows) and rows[place] >= least and (recalls[place] or 0.0) < 0.3
    ]
    right = sum(row[place] for place, row in enumerate(last.confusion))
    if not rare or reference.weak or (right <= max(rows) and single != rows.index(max(rows))):
        return None
    place = min(rare, key=lambda each: recalls[each] or 0.0)
    answer = "" if single is None else f"; nearly every row, whatever the input, is predicted as class {single}"
    return Suspicion(
        name="class-imbalance",
        evidence=f"class {place} is {number(most / reference.counts[place])} times rarer among the training targets "
        f"that were counted than the largest, and {number(100 * (recalls[place] or 0.0))} % of its {rows[place]:,} "
        f"validation rows are found{answer}",
        where=f"class {place}",
        action=f"{weighing(seen)}, and judge by a metric that counts each class alike (balanced accuracy, macro F1)",
        place="data",
        certainty="likely"
        if single is None or not seen.learned()
        else "suspected",  # a signal that is weak asks for no other answer
        step=seen.step,
        explains=frozenset({"class-never-predicted", "worse-than-guessing"}),
    )


def answers_alike(seen: Seen) -> Suspicion | None:
    """All validation rows get the same answer."""
    last = _answered(seen)
    if last is None or seen.moment == "training" or seen.step < 100:
        return None
    if last.confusion:
        given = [sum(row[place] for row in last.confusion) for place in range(len(last.confusion))]
        present = sum(sum(row) > 0 for row in last.confusion)
        biggest = max(sum(row) for row in last.confusion)
        if sum(given) < 50 or max(given) < ALIKE * sum(given) or present < 2 or biggest > 0.9 * sum(given):
            return None
        most = number(100 * max(given) / sum(given))
        what = f"class {given.index(max(given))} is predicted for {most} % of {sum(given):,} rows"
    elif last.wanted > 0 and last.spread < NARROW * last.wanted:
        what = f"predictions have a standard deviation of {number(last.spread)} and targets of {number(last.wanted)}"
    else:
        return None
    if not _lasts(seen, _alike):
        return None
    return Suspicion(
        name="answers-alike",
        evidence=f"{what} of the validation set",
        action=f"the network does not use its inputs{tries(seen.context)}",
        place="outcome",
        certainty="likely",
        step=seen.step,
        explains=frozenset({"still-improving"}),
    )


def _alike(answers: Answers) -> bool:
    if not answers.confusion:
        return answers.wanted > 0 and answers.spread < NARROW * answers.wanted
    given = [sum(column) for column in zip(*answers.confusion, strict=True)]
    return max(given) >= ALIKE * sum(given)


def _misses(answers: Answers, place: int) -> bool:
    return bool(answers.confusion) and (answers.found()[place] or 0.0) < 0.02


def _lasts(seen: Seen, holds: Callable[[Answers], bool]) -> bool:
    """Whether something holds at the end; in the midst of a run also at `TIMES` evaluations in a row, in its second half."""
    if seen.moment in ("end", "failure"):
        return True
    answered = [each.answers for each in seen.evaluations if each.answers is not None]
    half = seen.step >= max(200, (seen.context.total or 0) / 2)
    return half and len(answered) >= TIMES and all(holds(each) for each in answered[-TIMES:])


def _answered(seen: Seen) -> Answers | None:
    """Of the latest evaluation that was looked on, unless that is one of the first half: since then the network has learned."""
    late: list[Evaluated] = seen.evaluations[len(seen.evaluations) // 2 :]
    return next((each.answers for each in reversed(late) if each.answers is not None), None)
