"""Courses of losses, with names and without."""

import math
from dataclasses import replace

import pytest
from examined import FIRST, answered, context, evaluated, falling, flat, seen, values, weights

from sonde.diagnose.rules import course


def test_a_loss_that_stands_where_guessing_puts_it() -> None:
    found = course.not_learning(seen(flat(FIRST)))
    assert found is not None
    assert (found.name, found.certainty) == ("not-learning", "likely")
    assert "2.30" in found.evidence
    assert "sonde.doctor(RUN, model=…, data=…, loss=…) tests" in found.action
    ours = course.not_learning(seen(flat(FIRST), of=context(by_call=False)))
    assert ours is not None
    assert "`sonde doctor RUN` tests" in ours.action


@pytest.mark.parametrize("level", [0.9, 0.97])
def test_a_slow_start_is_no_standstill(level: float) -> None:
    assert course.not_learning(seen(flat(level * FIRST))) is None


def test_weights_that_do_not_move_and_phases_are_others_matter() -> None:
    assert course.not_learning(seen(flat(FIRST), looks=weights(ratio=1e-5))) is None
    assert course.not_learning(seen(flat(FIRST), of=context(phases=2))) is None
    assert course.not_learning(seen(flat(FIRST), of=context(batches=10_000))) is None  # 0.04 of an epoch


def test_in_the_midst_of_a_run_more_patience_is_had() -> None:
    assert course.not_learning(seen(flat(FIRST, steps=150), moment="training")) is None
    assert course.not_learning(seen(flat(FIRST, steps=350), moment="training")) is not None


def test_an_end_far_above_the_start_and_guessing() -> None:
    found = course.diverged(seen(falling(FIRST, 0.5, 200) + flat(9.0, 200)))
    assert found is not None
    assert found.name == "diverged"
    assert "such as --lr 0.0001" in found.action
    assert course.diverged(seen(falling(FIRST, 0.5, 200) + flat(4.0, 200))) is None
    assert course.diverged(seen(falling(FIRST, 0.5, 200) + flat(9.0, 150) + flat(0.5, 50))) is None


def test_without_a_reference_only_a_thousand_times_is_far() -> None:
    used = values(weighted=True)
    assert course.diverged(seen(flat(9.2, first=0.02), loss_call=used)) is None
    assert course.diverged(seen(flat(92.0, first=0.02), loss_call=used)) is not None
    assert course.diverged(seen(flat(-92.0, first=-0.02), loss_call=used)) is None
    assert course.diverged(seen(flat(92.0, first=0.02), loss_call=used, of=context(phases=2))) is None


def test_a_plateau_with_long_steps_is_a_rate_too_high() -> None:
    found = course.plateau(seen(falling(steps=100)[:20] + flat(1.6, 380), last=weights(ratio=0.15)))
    assert found is not None
    assert (found.name, found.certainty) == ("learning-rate-too-high", "likely")
    alone = course.plateau(seen(flat(1.6, first=2.3)))
    assert alone is not None
    assert (alone.name, alone.certainty) == ("plateau", "suspected")
    assert "a higher and a lower --lr (it is 0.00100)" in alone.action
    assert course.plateau(seen()) is None
    assert course.plateau(seen(flat(0.3, first=2.3), last=weights(ratio=0.15))) is None  # it has come down


def test_a_plateau_tells_the_present_rate() -> None:
    """Of a scheduler of torch's, as the samples have it; where it has decayed there is no plateau to be told."""
    run = seen(falling(steps=100)[:20] + flat(1.6, 380), last=weights(ratio=0.15), of=context(shares=None))
    for sample in run.samples:
        object.__setattr__(sample, "rate", 1e-3 if sample.step < 100 else 5e-4)
    found = course.plateau(run)
    assert found is not None
    assert found.action.startswith("--lr 5.00e-05 (it is 0.000500, at first 0.00100)")
    for sample in run.samples:
        object.__setattr__(sample, "rate", 1e-3 if sample.step < 100 else 1e-5)
    assert course.plateau(run) is None


def test_validation_losses_that_rise_while_training_goes_on() -> None:
    held = [0.9, 0.8, 0.85, 0.95, 1.0, 1.1, 1.15, 1.2]
    found = course.overfitting(seen(falling(last=0.01), evaluations=evaluated(held)))
    assert found is not None
    assert (found.name, found.step) == ("overfitting", 100)
    near = [0.63, 0.41, 0.39, 0.28, 0.229, 0.32, 0.32, 0.30]
    assert course.overfitting(seen(falling(last=0.2), evaluations=evaluated(near))) is None
    assert course.overfitting(seen(falling(last=0.01), evaluations=evaluated([0.9, 0.8, 0.75, 0.74]))) is None


@pytest.mark.parametrize(
    ("later", "told"),
    [([1.3, 1.35, 1.4, 1.45, 1.5], True), ([1.0, 1.3, 1.0, 1.3, 1.0], False), ([1.3, 1.35, 1.4, 1.45], False)],
)
def test_while_it_trains_only_a_plain_rise_is_told(later: list[float], told: bool) -> None:
    run = seen(falling(last=0.01), evaluations=evaluated([0.9, 0.8, *later]), moment="training")
    assert (course.overfitting(run) is not None) == told


def test_of_a_resumed_run_the_losses_that_were_logged_are_told() -> None:
    held = [0.9, 0.8, 0.85, 0.95, 1.0, 1.1, 1.15, 1.2]
    run = seen(falling(last=0.01), evaluations=evaluated(held))
    run.trace.first = 1001
    run.evaluations = [replace(each, step=each.step * 4) for each in run.evaluations]  # the lowest at step 400
    unknown = course.overfitting(run)
    assert unknown is not None
    assert unknown.evidence.endswith("is 1.20 now, while the training loss is 0.125")
    run.earlier = [(200, 0.7), (400, 0.5), (600, 0.3)]
    found = course.overfitting(run)
    assert found is not None
    assert found.evidence.startswith("the validation loss was lowest at step 400 (0.800) and is 1.20 now")
    assert found.evidence.endswith("the training loss fell from 0.500 to 0.125")


@pytest.mark.parametrize(
    ("rows", "certainty"), [(3, "suspected"), (54, "suspected"), (1000, "likely"), (None, "likely")]
)
def test_a_small_rise_over_a_few_rows_is_a_note(rows: int | None, certainty: str) -> None:
    """Over 54 rows the mean loss is known to within 14 %."""
    held = [0.4, 0.171, 0.182, 0.189, 0.19, 0.189]
    found = course.overfitting(seen(falling(last=-0.05), of=context(held=rows), evaluations=evaluated(held)))
    assert found is not None
    assert (found.name, found.certainty) == ("overfitting", certainty)


def test_answers_that_grow_too_sure_are_a_note() -> None:
    held, accuracy = [0.9, 0.8, 0.85, 0.95, 1.0, 1.1], [0.6, 0.7, 0.72, 0.75, 0.77, 0.78]
    run = seen(falling(last=0.01), of=context(objective="accuracy"), evaluations=evaluated(held, accuracy=accuracy))
    found = course.overfitting(run)
    assert found is not None
    assert found.certainty == "suspected"


def test_an_accuracy_that_moves_by_chance_does_not_improve() -> None:
    """0.53 to 0.557 of 400 rows: a standard error is 0.025. Nor does one excuse a loss above that of guessing, 2.30."""
    held, of = [0.9, 0.8, 0.85, 0.95, 1.0, 1.1], context(objective="accuracy")
    chance = evaluated(held, accuracy=[0.53, 0.53, 0.54, 0.55, 0.557, 0.557], answers=answered(0.5, rows=40))
    found = course.overfitting(seen(falling(last=0.01), of=of, evaluations=chance))
    assert found is not None
    assert found.certainty == "likely"
    better = evaluated([1.0, 0.9, 2.0, 2.4, 2.5, 2.6], accuracy=[0.4, 0.5, 0.6, 0.7, 0.7, 0.7], answers=answered(0.7))
    worse = course.overfitting(seen(falling(last=0.01), of=of, evaluations=better))
    assert worse is not None
    assert worse.certainty == "likely"


def test_rows_learned_by_heart_after_many_passes() -> None:
    run = seen(
        falling(last=0.02),
        of=context(batches=4),
        evaluations=evaluated([1.3, 1.25, 1.2, 1.22, 1.21], answers=answered(0.5)),
    )
    found = course.overfitting(run)
    assert found is not None
    assert "100 passes" in found.evidence
    good = seen(
        falling(last=0.001), of=context(batches=4), evaluations=evaluated([0.4, 0.3, 0.28, 0.29], answers=answered(0.9))
    )
    assert course.overfitting(good) is None  # as pictures are learned to the end


def test_a_run_that_ends_early() -> None:
    found = course.still_improving(seen([2.3 - 0.04 * step for step in range(30)]))
    assert found is not None
    assert (found.name, found.certainty) == ("still-improving", "likely")
    slow = [2.3 * math.exp(-step / 6) + 1.2 for step in range(30)]
    held = [1.6, 1.5, 1.42, 1.38, 1.34, 1.3]
    assert course.still_improving(seen(slow, evaluations=evaluated(held, steps=30))) is not None
    assert course.still_improving(seen(slow, evaluations=evaluated([1.3] * 6, steps=30))) is None
    assert course.still_improving(seen()) is None
    rising = evaluated([1.2, 1.0, 1.3, 1.5, 1.6], steps=300)
    assert course.still_improving(seen([2.3 - 0.007 * step for step in range(300)])) is not None
    assert course.still_improving(seen([2.3 - 0.007 * step for step in range(300)], evaluations=rising)) is None


def test_a_rise_that_few_wrong_rows_make_is_a_note() -> None:
    """Of 1,000 rows 30 are wrong: the loss is uncertain by 18 %."""
    held = evaluated([2.0, 1.5, 1.0, 1.16, 1.17, 1.16], answers=answered(0.97))
    found = course.overfitting(seen(falling(last=0.01), evaluations=held))
    assert found is not None
    assert found.certainty == "suspected"
    more = evaluated([2.0, 1.5, 1.0, 1.16, 1.17, 1.16], answers=answered(0.5))
    surer = course.overfitting(seen(falling(last=0.01), evaluations=more))
    assert surer is not None
    assert surer.certainty == "likely"
