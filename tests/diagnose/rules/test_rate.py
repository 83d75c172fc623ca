"""Rates that are too high or too low, and what keeps them low; of healthy runs none is said."""

import math

import pytest
from examined import context, falling, flat, seen, values, weights

from sonde.diagnose.rules import rate
from sonde.diagnose.seen import Seen


@pytest.mark.parametrize("ratio", [0.085, 0.15])  # the highest of healthy runs, and of those at three times their rate
def test_steps_of_healthy_runs_are_not_too_long(ratio: float) -> None:
    assert rate.too_high(seen(looks=weights(ratio=ratio))) is None


def test_steps_as_long_as_a_layer_are_too_long() -> None:
    found = rate.too_high(seen(looks=weights(ratio=1.3)))
    assert found is not None
    assert (found.name, found.certainty, found.step) == ("learning-rate-too-high", "likely", 1)
    assert "130 %" in found.evidence
    assert found.action.startswith("--lr 0.0001")


def test_long_steps_alone_are_only_suspected() -> None:
    assert rate.too_high(seen(looks=weights(ratio=0.25))) is None, "embeddings move by as much in runs that learn"
    found = rate.too_high(seen(falling(last=2.0), looks=weights(ratio=0.25)))
    assert found is not None
    assert found.certainty == "suspected"
    risen = rate.too_high(seen(falling(first=2.3) + [9.0] * 20, looks=weights(ratio=0.25)))
    assert risen is not None
    assert risen.certainty == "likely"


def test_weights_that_begin_at_zero_and_runs_of_a_few_steps_say_nothing() -> None:
    assert rate.too_high(seen(looks=weights(ratio=50.0, scale=0.01))) is None
    assert rate.too_high(seen(falling(steps=3), looks=weights(ratio=1.5))) is None
    grown = seen(falling(last=2.0), looks=weights(scale=0.0), last=weights(ratio=1.45, scale=0.27))
    assert rate.too_high(grown) is None, "an embedding of zeros is as large as its first steps made it"


def test_losses_that_pull_against_each_other_do_not_count() -> None:
    found = rate.too_high(seen(flat(2.3), looks=weights(ratio=0.25), of=context(phases=2)))
    assert found is not None
    assert found.certainty == "suspected"


def test_steps_that_move_nothing_are_too_short() -> None:
    found = rate.too_low(seen(flat(2.31), looks=weights(ratio=7e-5)))
    assert found is not None
    assert (found.name, found.certainty) == ("learning-rate-too-low", "likely")
    assert found.action.startswith("--lr 0.01")


def test_a_first_batch_of_values_that_is_off_hides_nothing() -> None:
    run = seen(flat(1.0, first=1.4), looks=weights(ratio=8e-6), loss_call=values())
    assert rate.too_low(run) is not None


@pytest.mark.parametrize("ratio", [8e-4, 5e-3])
def test_short_steps_of_healthy_runs(ratio: float) -> None:
    assert rate.too_low(seen(flat(2.31), looks=weights(ratio=ratio))) is None


def test_short_steps_of_a_network_that_can_do_it_already() -> None:
    assert rate.too_low(seen(flat(0.25), looks=weights(ratio=1e-5))) is None
    assert rate.too_low(seen(flat(2.31), looks=weights(ratio=1e-5), of=context(pretrained=True))) is None


@pytest.mark.parametrize(
    ("shares", "named"),
    [
        (lambda step: min(1.0, step / 100_000), True),
        (lambda step: 0.7**step, True),
        (lambda step: 0.5 * (1 + math.cos(math.pi * step / 400)), False),
        (lambda step: min(1.0, (step + 1) / 120), False),
        (lambda step: 1.0, False),
        (lambda step: 0.1 ** (step // 150), False),
    ],
)
def test_schedules_that_leave_no_rate(shares: object, named: bool) -> None:
    found = rate.keeps_low(seen(of=context(shares=shares)))
    assert (found is not None) == named
    if found is not None:
        assert found.name == "schedule-keeps-rate-low"


def test_the_schedule_is_to_blame_for_short_steps() -> None:
    run = seen(flat(2.31), looks=weights(ratio=1e-6), of=context(shares=lambda step: min(1.0, step / 100_000)))
    assert rate.too_low(run) is None


def test_a_scheduler_of_torchs_is_judged_by_the_rates_that_were_seen() -> None:
    run = seen()
    for sample in run.trace.samples:
        object.__setattr__(sample, "rate", 1e-3 * 0.5 ** (sample.step - 1))
    found = rate.keeps_low(run)
    assert found is not None
    assert found.certainty == "likely"
    assert rate.keeps_low(seen()) is None


def halved(losses: list[float], every: int = 40) -> Seen:
    """A run whose scheduler, one of torch's, halves a rate of 0.1 each so many steps."""
    run = seen(losses, of=context(rate=0.1, shares=None, own_rate=True))
    for sample in run.trace.samples:
        object.__setattr__(sample, "rate", 0.1 * 0.5 ** ((sample.step - 1) // every))
    return run


def test_a_rate_that_is_gone_while_the_loss_is_still_falling() -> None:
    """Of 400 steps the last 200 have 0.4 % of the rate and less, as far as is seen at some of them."""
    cut = [1.4 + 0.9 * 0.5 ** (step / 40) * (1 + 0.02 * (-1) ** step) for step in range(400)]
    found = rate.keeps_low(halved(cut, every=24))
    assert found is not None
    assert (found.name, found.certainty) == ("schedule-keeps-rate-low", "likely")
    assert "leaves less than 1.00 % of the rate after step" in found.evidence
    assert "the loss was still falling while it went" in found.evidence
    assert rate.keeps_low(halved(falling(last=0.3), every=24)) is None, "it has learned"
    at_once = [max(1.4, 2.3 - step / 10) * (1 + 0.02 * (-1) ** step) for step in range(400)]
    assert rate.keeps_low(halved(at_once, every=24)) is None, "it had come as far before"
    assert rate.keeps_low(halved(cut, every=60)) is None, "most steps have a rate"


def test_the_present_rate_is_that_of_the_latest_sample() -> None:
    run = halved(flat(1.6), every=100)
    assert run.peak() == 0.1
    assert [run.share(step) for step in (1, 100, 150, 250, 400)] == [1.0, 1.0, 0.5, 0.5, 0.125]
    assert run.rate() == pytest.approx(0.0125)


@pytest.mark.parametrize(
    ("changes", "norm", "ratio", "named"),
    [
        ({"optimizer": "sgd", "clip": 1e-4}, 2.0, 1e-6, True),
        ({"optimizer": "adam", "clip": 1e-4}, 2.0, 1e-6, False),  # whose steps are as long whatever the gradient is
        ({"optimizer": "sgd", "clip": 1.0}, 2.0, 5e-3, False),
    ],
)
def test_a_clip_is_too_tight_for_optimisers_that_follow_the_gradients_size(
    changes: dict[str, object], norm: float, ratio: float, named: bool
) -> None:
    run = seen(flat(2.3), looks=weights(ratio=ratio), of=context(**changes), norms=[norm] * 400)
    assert (rate.clip_too_tight(run) is not None) == named


def test_a_decay_that_takes_all_weights_away() -> None:
    strong = context(weight_decay=100.0)
    found = rate.decay_too_strong(seen(flat(2.0), last=weights(size=0.1), of=strong))
    assert found is not None
    assert found.name == "weight-decay-too-strong"
    assert "removes 10.0 % of them" in found.evidence
    assert rate.decay_too_strong(seen(last=weights(size=0.1), of=strong)) is None  # it learns
    assert rate.decay_too_strong(seen(flat(2.3), last=weights(size=0.9), of=context(weight_decay=0.1))) is None


def test_a_decay_by_which_what_is_learned_is_gone_after_some_steps() -> None:
    """Of a tenth at each step half is gone after ln 2 / -ln 0.9 = 6.6; the weights are as large as ever."""
    strong = context(optimizer="adamw", rate=0.01, weight_decay=10.0)
    found = rate.decay_too_strong(seen(flat(1.8, first=2.3), of=strong))
    assert found is not None
    assert (found.name, found.certainty) == ("weight-decay-too-strong", "likely")
    assert (
        "removes 10.0 % of them at each step, so half of what a step has learned is gone 6.58 steps later"
        in found.evidence
    )
    assert rate.decay_too_strong(seen(falling(), of=strong)) is None, "it learns"
    penalty = context(optimizer="adam", rate=0.01, weight_decay=10.0)
    assert rate.decay_too_strong(seen(flat(1.8), of=penalty)) is None, (
        "a penalty, which Adam scales as it does any gradient"
    )
    usual = context(optimizer="adamw", rate=0.01, weight_decay=0.1)
    assert rate.decay_too_strong(seen(flat(1.8), of=usual)) is None
