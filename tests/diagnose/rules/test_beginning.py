"""What the first steps say, and what of healthy first steps is left alone."""

from dataclasses import replace

import pytest
from examined import call, context, entry, evaluated, falling, flat, output, seen, values, weights

from sonde.diagnose.rules import beginning
from sonde.diagnose.seen import Seen
from sonde.diagnose.signals import calls


def test_inputs_that_are_the_same_in_all_rows_are_certain() -> None:
    found = beginning.inputs_constant(seen(entered=entry(constant=1.0, spread=0.0)))
    assert found is not None
    assert (found.name, found.certainty) == ("inputs-constant", "certain")
    assert beginning.inputs_constant(seen(entered=entry(constant=0.9))) is None  # borders of pictures are


@pytest.mark.parametrize(
    ("changes", "high", "certainty"),
    [
        ({"mean": 100.0, "spread": 30.0}, True, "likely"),
        ({"mean": 60.0, "spread": 80.0}, True, "likely"),  # pixels of 0..255
        ({"mean": 60.0, "spread": 80.0}, False, "suspected"),  # which did no harm
        ({"spread": 5.0, "widest": 5e6, "narrowest": 1.0}, True, "likely"),
    ],
)
def test_inputs_far_from_0_are_named_where_they_do_harm(changes: dict[str, float], high: bool, certainty: str) -> None:
    run = seen(falling(first=5.0 if high else 2.3), entered=entry(**changes))
    found = beginning.inputs_not_scaled(run)
    assert found is not None
    assert (found.name, found.certainty) == ("inputs-not-scaled", certainty)


@pytest.mark.parametrize(
    "changes", [{}, {"mean": 0.13, "spread": 0.31}, {"mean": 60.0, "spread": 80.0, "normed": True}]
)
def test_inputs_as_they_are_used_to_be_are_left_alone(changes: dict[str, float]) -> None:
    assert beginning.inputs_not_scaled(seen(falling(first=5.0), entered=entry(**changes))) is None


def test_weights_too_large_need_a_loss_that_shows_it() -> None:
    found = beginning.initialisation(seen(falling(first=40.0), looks=weights(scale=8.0)))
    assert found is not None
    assert (found.name, found.where) == ("initialisation-too-large", "0.weight")
    assert (
        beginning.initialisation(seen(falling(first=2.46), looks=weights(scale=1.4))) is None
    )  # He's; 1.07 of guessing
    assert beginning.initialisation(seen(falling(first=40.0), looks=weights(scale=1.4))) is None
    loaded = seen(falling(first=40.0), looks=weights(scale=8.0), of=context(pretrained=True))
    assert beginning.initialisation(loaded) is None


def test_rows_that_are_looked_up_and_factors_are_not_drawn_for_the_inputs_that_reach_them() -> None:
    (drawn, *_), (factors, *_) = weights(scale=0.6), weights(scale=11.3)
    apart = replace(factors, summed=False)
    assert beginning.initialisation(seen(falling(first=40.0), looks=[drawn, apart, apart])) is None
    assert beginning.initialisation(seen(falling(first=40.0), looks=[drawn, factors, factors])) is not None


def test_a_first_loss_of_answers_that_are_sure_of_nothing_is_no_fault_of_the_weights() -> None:
    """Of two classes of which one is seldom ln 2 is what a fresh network has, four times that of always guessing the other."""
    (drawn, *_), (wide, *_) = weights(scale=0.6), weights(scale=5.0)
    rare = call(counts={0: 290, 1: 10}, shape=(300, 2), target=(300,))
    looks = [drawn, drawn, drawn, wide]
    assert beginning.initialisation(seen(falling(first=0.70), looks=looks, loss_call=rare)) is None
    assert beginning.initialisation(seen(falling(first=1.50), looks=looks, loss_call=rare)) is not None
    far = values(3.0, 1.0)  # zeros are off by 3² + 1
    assert beginning.initialisation(seen(falling(first=10.0, last=1.0), looks=looks, loss_call=far)) is None


def test_weights_too_small_need_a_run_that_learns_nothing() -> None:
    found = beginning.initialisation_small(seen(flat(2.302), looks=weights(scale=0.01)))
    assert found is not None
    assert found.name == "initialisation-too-small"
    assert beginning.initialisation_small(seen(looks=weights(scale=0.01))) is None
    assert beginning.initialisation_small(seen(flat(2.302), looks=weights(scale=0.16))) is None  # a GPT's
    warm = context(shares=lambda step: min(1.0, step / 1000))
    assert (
        beginning.initialisation_small(seen(flat(2.302), looks=weights(scale=0.01), of=warm)) is None
    )  # hardly moved yet


def test_zeros_are_no_small_weights() -> None:
    """A linear forecaster: the mean of what came before, and a bias with two axes."""
    (mean, *_), (bias, *_) = weights(scale=0.196), weights(scale=0.0)
    assert beginning.initialisation_small(seen(flat(2.302), looks=[mean, bias])) is None
    assert beginning.initialisation_small(seen(flat(2.302), looks=[bias])) is None


@pytest.mark.parametrize(
    ("mean", "spread", "named"),
    [
        (5000.0, 1000.0, True),
        (0.0, 250.0, True),
        (0.0, 1e-3, True),
        (0.0, 1.0, False),
        (2.0, 1.0, False),
        (0.0, 99.0, False),
    ],
)
def test_targets_in_other_units_are_named(mean: float, spread: float, named: bool) -> None:
    guess = spread**2
    found = beginning.targets_not_scaled(seen(flat(guess + mean**2), loss_call=values(mean, spread)))
    assert (found is not None) == named
    assert beginning.targets_not_scaled(seen(falling(guess, guess / 9), loss_call=values(mean, spread))) is None


def test_a_first_loss_that_only_the_network_makes_large_is_no_matter_of_the_targets() -> None:
    assert beginning.targets_not_scaled(seen(flat(3e5), loss_call=values())) is None


def negated(sign: float) -> Seen:
    run = seen([sign * each for each in falling()])
    for sample in run.trace.samples:
        object.__setattr__(sample.calls[0], "value", abs(sample.loss))
    return run


def test_a_loss_with_its_sign_turned_is_certain_by_the_third_step() -> None:
    found = beginning.loss_negated(negated(-1.0))
    assert found is not None
    assert (found.name, found.certainty) == ("loss-negated", "certain")
    assert beginning.loss_negated(negated(1.0)) is None


@pytest.mark.parametrize(("there", "named"), [(2, True), (12, False)])  # of 80; a masked language model leaves out 85 %
def test_targets_that_are_nearly_all_ignored(there: int, named: bool) -> None:
    used = call({1: there}, target=(80,), shape=(80, 10))
    assert (beginning.targets_ignored(seen(loss_call=used)) is not None) == named
    masked = seen(loss_call=used, of=context(task="masked language model"))
    assert beginning.targets_ignored(masked) is None


def in_order(rows: int, kept: bool) -> Seen:
    """Batches of one class after the other, or of random ones."""
    run = seen(of=context(rows=rows))
    for place, sample in enumerate(run.trace.samples):
        classes = (
            {place % 10: rows} if kept else {(7 * place + k * 3) % 10: rows // 5 or 1 for k in range(min(5, rows))}
        )
        object.__setattr__(sample, "calls", [call(classes, value=sample.loss)])
    return run


@pytest.mark.parametrize("rows", [2, 8, 64])
def test_sorted_rows_are_named_whatever_the_size_of_a_batch(rows: int) -> None:
    found = beginning.not_shuffled(in_order(rows, kept=True))
    assert found is not None
    assert (found.name, found.certainty) == ("rows-not-shuffled", "likely")
    assert beginning.not_shuffled(in_order(rows, kept=False)) is None


def test_the_entropy_of_rows_drawn_at_random_is_that_of_all_pairs() -> None:
    """Of two rows of two equal classes half the pairs differ: log 2 / 2."""
    assert beginning._drawn([0.5, 0.5], 2) == pytest.approx(0.34657, abs=1e-5)
    assert beginning._drawn([0.5, 0.5], 1000) == pytest.approx(0.69315, abs=1e-5)


def test_sorted_values_are_named_and_shuffled_ones_are_not() -> None:
    run, other = seen(flat(1.0)), seen(flat(1.0))
    for place, (one, two) in enumerate(zip(run.trace.samples, other.trace.samples, strict=True)):
        object.__setattr__(one, "calls", [values(mean=place - 6.5, spread=0.3, value=one.loss)])
        object.__setattr__(two, "calls", [values(mean=0.1 * (place % 3), spread=4.0, value=two.loss)])
    found = beginning.not_shuffled(run)
    assert found is not None
    assert found.name == "rows-not-shuffled"
    assert beginning.not_shuffled(other) is None


def test_tokens_and_pixels_say_nothing_of_the_order_of_rows() -> None:
    used = call({3: 80}, target=(80, 4), shape=(80, 10, 4))
    assert beginning.not_shuffled(seen(loss_call=used)) is None


def test_a_healthy_run_gives_nothing() -> None:
    run = seen(evaluations=evaluated([1.0, 0.6, 0.5, 0.45]), outputs=[output(), output("1", calls.SMOOTH)])
    names = ("inputs_constant", "inputs_not_scaled", "initialisation", "initialisation_small")
    more = ("targets_not_scaled", "loss_negated", "targets_ignored", "not_shuffled")
    assert [getattr(beginning, name)(run) for name in (*names, *more)] == [None] * 8
