"""Validation losses beside training losses."""

import pytest
from examined import FIRST, answered, context, evaluated, falling, flat, seen, values

from sonde.diagnose.rules import held
from sonde.diagnose.signals.answers import Answers


def test_rows_that_are_easier_than_those_trained_on_have_wrong_labels_among_them() -> None:
    found = held.labels_noisy(seen(falling(last=1.5), evaluations=evaluated([1.2, 1.0, 0.9, 0.8])))
    assert found is not None
    assert (found.name, found.certainty) == ("labels-noisy", "likely")
    assert held.labels_noisy(seen(falling(last=1.5), evaluations=evaluated([1.6, 1.5, 1.45, 1.4]))) is None
    harder = seen(falling(last=1.5), evaluations=evaluated([1.2, 1.0, 0.9, 0.8]), of=context(harder=True))
    assert held.labels_noisy(harder) is None  # dropout or augmentation
    assert (
        held.labels_noisy(seen(falling(last=0.3), evaluations=evaluated([0.5, 0.2, 0.15, 0.1]))) is None
    )  # learned well


def test_a_quieter_part_of_a_series_is_easier_without_wrong_labels() -> None:
    """Targets of variance 9 in training and 1 in validation, each learned to 40 %."""
    course = [9.0 - step / 400 * 5.4 for step in range(400)]
    answers = [Answers(spread=1.0, wanted=1.0, middle=5.0, rows=100)] * 4
    run = seen(
        course, loss_call=values(mean=5.0, spread=3.0), evaluations=evaluated([0.8, 0.6, 0.5, 0.4], answers=answers[0])
    )
    assert held.labels_noisy(run) is None
    wrong = Answers(spread=1.0, wanted=3.0, middle=5.0, rows=100)
    loud = seen(
        course, loss_call=values(mean=5.0, spread=3.0), evaluations=evaluated([0.8, 0.6, 0.5, 0.4], answers=wrong)
    )
    assert held.labels_noisy(loud) is not None


def test_values_far_from_those_of_training_are_not_worse_than_guessing() -> None:
    """A later part of a series: guessing has the mean of the training rows."""
    away = Answers(spread=0.1, wanted=0.4, middle=6.5, rows=100)
    run = seen(flat(9.0), loss_call=values(mean=5.0, spread=3.0), evaluations=evaluated([2.0, 1.9, 1.8], answers=away))
    assert run.held_reference() == pytest.approx(0.4**2 + 1.5**2, rel=1e-2)
    assert run.held_reference(own=True) == pytest.approx(0.4**2, rel=1e-2)
    assert held.worse_than_guessing(run) is None


def test_batch_norm_of_two_rows() -> None:
    few = context(norms=3, rows=2)
    found = held.norm_of_few(seen(falling(last=0.6), of=few, evaluations=evaluated([2.0, 1.8])))
    assert found is not None
    assert (found.name, found.certainty) == ("batch-norm-of-few-rows", "likely")
    note = held.norm_of_few(seen(falling(last=0.6), of=few, evaluations=evaluated([0.9, 0.6])))
    assert note is not None
    assert note.certainty == "suspected"
    assert held.norm_of_few(seen(of=context(norms=3, rows=64), evaluations=evaluated([2.0, 1.8]))) is None
    whole = context(norms=3, rows=3, batches=1)  # three pictures, which are all there are
    assert held.norm_of_few(seen(falling(last=0.6), of=whole, evaluations=evaluated([2.0, 1.8]))) is None


def test_rows_learned_by_heart_of_which_others_say_nothing() -> None:
    never = evaluated([2.31, 2.6, 3.0, 3.5], answers=answered(0.1))
    found = held.worse_than_guessing(seen(evaluations=never))
    assert found is not None
    assert (found.name, found.certainty) == ("labels-unrelated-to-inputs", "likely")
    assert found.explains >= {"overfitting"}
    later = held.worse_than_guessing(seen(evaluations=evaluated([1.5, 1.9, 2.6, 2.9], answers=answered(0.5))))
    assert later is not None
    assert (later.name, later.certainty) == ("worse-than-guessing", "suspected")
    assert held.worse_than_guessing(seen(evaluations=evaluated([1.0, 0.8, 0.7], answers=answered(0.8)))) is None
    assert held.worse_than_guessing(seen(evaluations=never[:1] * 2)) is None
    assert held.worse_than_guessing(seen(flat(FIRST), evaluations=never)) is not None  # worse at the end


def test_few_rows_known_by_heart_say_nothing_of_labels() -> None:
    """320 rows that were seen a hundred times; of 8,000 seen four times the labels are suspected."""
    never = evaluated([2.31, 2.6, 3.0, 3.5], answers=answered(0.1))
    few = held.worse_than_guessing(seen(of=context(batches=4), evaluations=never))
    assert few is not None
    assert (few.name, few.certainty) == ("worse-than-guessing", "suspected")
    many = held.worse_than_guessing(seen(of=context(batches=100), evaluations=never))
    assert many is not None
    assert many.name == "labels-unrelated-to-inputs"


def test_labels_of_which_more_are_found_than_by_chance_belong_to_their_rows() -> None:
    """Of 1,000 rows 0.13 and 0.11 are right; the most frequent class has 0.100 ± 0.0095."""
    sure = seen(evaluations=evaluated([2.31, 2.6, 3.0, 3.5], answers=answered(0.13)))
    found = held.worse_than_guessing(sure)
    assert found is not None
    assert found.name == "worse-than-guessing"
    assert held.finds_some(sure)
    assert not held.finds_some(seen(evaluations=evaluated([2.31], answers=answered(0.11))))


def test_rows_that_are_harder_before_any_was_seen_twice() -> None:
    fresh = context(batches=1000, norms=2)
    losses = falling(last=0.2)
    found = held.harder_to_judge(seen(losses, of=fresh, evaluations=evaluated([3.0] * 4, answers=answered(0.1))))
    assert found is not None
    assert (found.name, found.certainty) == ("validation-harder-than-training", "likely")
    assert "batch norm" in found.action
    shifted = held.harder_to_judge(
        seen(losses, of=context(batches=1000), evaluations=evaluated([1.6] * 4, answers=answered(0.5)))
    )
    assert shifted is not None
    assert shifted.certainty == "suspected"
    near = seen(losses, of=fresh, evaluations=evaluated([0.8, 0.5, 0.4, 0.35], answers=answered(0.9)))
    assert held.harder_to_judge(near) is None
    again = seen(losses, of=context(batches=50), evaluations=evaluated([3.0] * 4, answers=answered(0.1)))
    assert held.harder_to_judge(again) is None  # after an epoch it may be learning by heart


def test_a_loss_that_falls_while_the_metric_gets_worse() -> None:
    of, fall = context(objective="accuracy"), [2.0, 1.5, 1.2, 1.0]
    found = held.disagree(seen(of=of, evaluations=evaluated(fall, accuracy=[0.5, 0.4, 0.3, 0.2])))
    assert found is not None
    assert found.name == "loss-and-metric-disagree"
    assert held.disagree(seen(of=of, evaluations=evaluated(fall, accuracy=[0.5, 0.6, 0.7, 0.72]))) is None
    smaller = context(objective="mae", larger=False)
    assert held.disagree(seen(of=smaller, evaluations=evaluated(fall, mae=[0.5, 0.4, 0.3, 0.2]))) is None
    assert held.disagree(seen(of=of, evaluations=evaluated(fall[::-1], accuracy=[0.5, 0.4, 0.3, 0.2]))) is None
