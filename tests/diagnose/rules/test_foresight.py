"""Policies that look ahead for hardly a step, in episodes of many."""

from typing import Any

import pytest
from acted_runs import acted

from sonde.diagnose.rules.foresight import discount_too_low

STANDS: dict[str, Any] = {"train_return": 26.0, "train_length": 33.6, "return_highest": 132.0}
LOW = [31.0] * 5


def test_only_the_next_reward_counts() -> None:
    found = discount_too_low(acted(STANDS, settings={"discount": 0.0}, returns=[31.6], updates=192))
    assert found is not None
    assert (found.name, found.certainty) == ("discount-too-low", "likely")
    assert (
        "with a discount of 0 a reward 5 steps later counts for 0 % of one now, and an episode has 33.6"
        in found.evidence
    )
    assert found.action.startswith("--discount 0.99; ")


def test_what_is_paid_at_once_may_be_learned_so() -> None:
    found = discount_too_low(acted({"train_length": 33.6}, settings={"discount": 0.0}))
    assert found is not None
    assert found.certainty == "suspected"


def test_a_few_steps_ahead_count_only_where_a_long_run_has_not_risen() -> None:
    found = discount_too_low(acted(STANDS, settings={"discount": 0.8}, returns=LOW))
    assert found is not None
    assert "a reward 25 steps later counts for 0.378 % of one now" in found.evidence
    assert discount_too_low(acted(STANDS, settings={"discount": 0.8}, returns=LOW, updates=500)) is None
    assert discount_too_low(acted({"train_length": 33.6}, settings={"discount": 0.8})) is None


@pytest.mark.parametrize(
    ("settings", "numbers"),
    [
        ({"discount": 0.9}, {**STANDS, "train_length": 200.0}),  # usual of Pendulum
        ({"discount": 0.0}, {**STANDS, "train_length": 1.0}),
        ({"discount": 1.0}, STANDS),
        ({"discount": 0.0}, {**STANDS, "train_length": float("nan")}),
        ({"discount": None}, STANDS),
    ],
)
def test_healthy_runs(settings: dict[str, Any], numbers: dict[str, Any]) -> None:
    assert discount_too_low(acted(numbers, settings=settings, returns=LOW)) is None
