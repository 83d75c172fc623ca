"""A run ends where it is good enough."""

import math

import pytest

from sonde.core.seams import Objective
from sonde.engine.early_stop import Target, target_reached
from sonde.engine.training import Progress


def at(value: float, *, evaluated_at: int = 7) -> Progress:
    return Progress(step=7, evaluated_at=evaluated_at, metrics={"return": value, "rmse": value})


@pytest.mark.parametrize(("value", "reached"), [(474.9, False), (475.0, True), (500.0, True), (math.nan, False)])
def test_more_is_reached_from_the_value_on(value: float, reached: bool) -> None:
    assert target_reached(Target(Objective("return", "max"), 475), at(value)) is reached


@pytest.mark.parametrize(("value", "reached"), [(0.51, False), (0.5, True), (0.4, True)])
def test_less_is_reached_from_the_value_down(value: float, reached: bool) -> None:
    assert target_reached(Target(Objective("rmse", "min"), 0.5), at(value)) is reached


def test_only_an_evaluation_of_this_step_counts_and_nothing_is_reached_without_a_target() -> None:
    assert not target_reached(Target(Objective("return", "max"), 475), at(500.0, evaluated_at=6))
    assert not target_reached(None, at(500.0))
