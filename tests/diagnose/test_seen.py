"""References of guessing, beside closed forms, and what is asked of a run."""

import math

import numpy as np
import pytest
from examined import EVEN, answered, call, context, evaluated, falling, flat, seen, values

from sonde.diagnose.seen import entropy


def test_the_reference_of_classes_is_their_entropy() -> None:
    counts = {0: 4000, 1: 3000, 2: 3000}
    found = seen(loss_call=call(counts)).reference()
    assert found is not None
    assert found.value == pytest.approx(-(0.4 * math.log(0.4) + 0.6 * math.log(0.3)), abs=1e-4)
    assert entropy(counts) == pytest.approx(found.value, abs=1e-4)


@pytest.mark.parametrize("shares", [(0.9, 0.1), (0.5, 0.3, 0.2), (0.02, 0.98)])
def test_the_error_of_a_reference_is_the_spread_over_samples(shares: tuple[float, ...]) -> None:
    """Beside the standard deviation over many draws of 400 targets."""
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(400, shares, 500)
    found = [entropy(dict(enumerate(row.tolist()))) for row in drawn]
    run = seen(loss_call=call({place: round(400 * share) for place, share in enumerate(shares)}))
    reference = run.reference()
    assert reference is not None
    samples = reference.seen / 400  # of as many looks
    assert reference.error * math.sqrt(samples) == pytest.approx(np.std(found), rel=0.15)


def test_few_targets_of_a_rare_class_leave_the_reference_rough() -> None:
    few, many = (seen(loss_call=call({0: 9 * k, 1: k})).reference() for k in (1, 100))
    assert few is not None
    assert many is not None
    assert (few.rough, many.rough) == (True, False)


def test_of_smoothed_targets_it_is_higher() -> None:
    """Of ten classes, one of which is always right, with 0.1: of shares 0.91 and nine times 0.01."""
    found = seen(loss_call=call({3: 80}, smoothing=0.1)).reference()
    assert found is not None
    assert found.value == pytest.approx(-(0.91 * math.log(0.91) + 9 * 0.01 * math.log(0.01)), abs=1e-6)


def test_the_reference_of_values_is_their_variance() -> None:
    found = seen(flat(9.0), loss_call=values(mean=5.0, spread=3.0)).reference()
    assert found is not None
    assert found.value == pytest.approx(9.0, rel=1e-2)


def test_of_a_loss_that_sums_it_is_that_of_all_rows() -> None:
    found = seen(loss_call=call(EVEN, reduction="sum")).reference()
    assert found is not None
    assert found.value == pytest.approx(80 * math.log(10), rel=1e-3)


def test_a_mean_may_be_taken_outside_of_the_loss() -> None:
    found, inside = (seen(loss_call=call(EVEN, reduction=kind)).reference() for kind in ("none", "mean"))
    assert found == inside is not None


def test_weights_and_more_than_one_loss_have_none() -> None:
    assert seen(loss_call=call(weighted=True)).reference() is None
    run = seen()
    object.__setattr__(run.samples[0], "calls", [call(), call()])
    assert run.reference() is None


def test_the_validation_rows_have_one_of_their_own() -> None:
    run = seen(evaluations=evaluated([1.0], answers=answered(0.5, sizes={0: 0})))
    assert run.held_reference() == pytest.approx(math.log(9))
    assert seen(evaluations=evaluated([1.0])).held_reference() is None


def test_losses_that_have_settled_and_those_that_have_not() -> None:
    assert seen(flat(1.0)).settled()
    assert not seen([2.0 - step / 400 for step in range(400)]).settled()
    assert not seen(flat(1.0, steps=20)).settled()  # too few to say


def test_what_was_learned() -> None:
    good, none, half = seen(falling()), seen(flat(math.log(10))), seen(flat(1.3, first=2.3))
    assert [run.learned() for run in (good, none, half)] == [True, False, True]
    assert [run.poor() for run in (good, none, half)] == [False, True, True]


def test_steps_of_a_warm_up_are_none_of_those_that_train() -> None:
    rising = context(shares=lambda step: min(1.0, (step + 1) / 200))
    assert [seen(flat(2.3, steps), of=rising).trained(50) for steps in (74, 148, 149)] == [False, False, True]
    assert [seen(flat(2.3, steps)).trained(50) for steps in (49, 50)] == [False, True]


def test_a_validation_loss_has_the_name_that_the_screen_shows() -> None:
    """Log loss, where it is that; with smoothed targets or weights of classes the two differ, and both are there."""
    assert seen(evaluations=evaluated([0.9, 0.8])).held_name() == "validation loss"
    same = seen(evaluations=evaluated([0.9, 0.8], log_loss=[0.9, 0.80001]))
    assert same.held_name() == "validation log loss"
    apart = seen(evaluations=evaluated([0.9, 0.8], log_loss=[0.7, 0.8]))
    assert apart.held_name() == "validation loss (what training lowers, which is not log loss)"
