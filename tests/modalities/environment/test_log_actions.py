"""What is doubtful about the numbers of a log."""

import numpy as np

from sonde.core.dataset import TargetSpec
from sonde.core.spaces import Space
from sonde.modalities.environment.log_actions import beyond_bounds, beyond_space, read_as_numbers

PUMP = TargetSpec(kind="logged-control", names=("action 0", "action 1"), mean=(12.0, 0.55), std=(12.0, 0.35))


def test_numbers_beyond_their_bounds_are_told_with_both() -> None:
    within = np.array([[0, 0.2], [24, 0.9]], np.float32)
    assert beyond_bounds(within, PUMP) == []
    (said,) = beyond_bounds(np.array([[-1, 0.3], [1, 0.4], [0, 0.9]], np.float32), PUMP)
    assert "action 0 in 1 of 3 steps (logged from -1 to 1, taken from 0 to 24)" in said
    assert "action 1" not in said
    assert beyond_bounds(np.array([5, 7]), PUMP) == []  # one of several, which is refused


def test_observations_beyond_their_space_are_told() -> None:
    level = Space(kind="box", shape=(2,), dtype="float32", low=(0.0, None), high=(2.0, None))
    whole = Space(kind="dict", names=("at", "level"), parts=(Space(kind="choice", sizes=(3,), first=(0,)), level))
    seen = np.array([[1, 0, 0, 1.5, 90], [0, 1, 0, 2.5, -70]], np.float32)
    assert beyond_space(seen[:1], whole) == []
    (said,) = beyond_space(seen, whole)
    assert "entry 3 in 1 of 2 steps (logged from 1.5 to 2.5, shown from 0 to 2)" in said
    pixels = Space(kind="box", shape=(3, 4, 4), dtype="uint8", low=(0.0,), high=(1.0,))
    assert beyond_space(np.full((1, 3, 4, 4), 9, np.uint8), pixels) == []


def test_whole_numbers_that_may_stand_for_choices_are_told() -> None:
    seen = {"place": np.array([[3, 1], [0, 2]]), "on": np.array([0, 1]), "level": np.array([0.5, 2.0])}
    (said,) = read_as_numbers({"observations": seen, "actions": np.array([0, 1])})
    assert said.startswith("observations.place: whole numbers, read as numbers")
    (said,) = read_as_numbers({"observations": seen["level"], "actions": np.array([[0.0], [3.0]])})
    assert said.startswith("actions: floats that are all whole, from 0 to 3, learned as numbers")
    assert read_as_numbers({"observations": seen["on"], "actions": np.array([0.5, 1.0])}) == []
