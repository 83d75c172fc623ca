"""What environments take, as targets."""

import numpy as np
import pytest
from gymnasium import spaces

from sonde.core.dataset import TargetSpec
from sonde.core.errors import DataError
from sonde.modalities.environment.spaces import actions, taken_in_words, unbounded, within


def test_actions_of_several_parts_have_sizes_and_what_they_are_counted_from() -> None:
    found = actions(spaces.MultiDiscrete([2, 5], start=[0, -1]), "mine")
    assert (found.kind, found.shape, found.mean, len(found.names)) == ("actions", (2, 5), (0, -1), 2)
    switches = actions(spaces.MultiBinary(3), "mine")
    assert (switches.kind, switches.shape, switches.mean) == ("actions", (2, 2, 2), (0, 0, 0))


def test_one_of_several_and_numbers() -> None:
    assert actions(spaces.Discrete(3, start=-1), "mine").names == ("-1", "0", "1")
    bounds = actions(spaces.Box(np.array([-2, 0], np.float32), np.array([2, 10], np.float32)), "mine")
    assert (bounds.kind, bounds.mean, bounds.std) == ("control", (0, 5), (2, 5))


def box(*bounds: tuple[float, float]) -> TargetSpec:
    low, high = np.array(bounds, np.float32).T
    return actions(spaces.Box(low, high), "mine")


def test_actions_in_words_have_the_bounds_of_each_number_where_they_differ() -> None:
    assert taken_in_words(box((-1, 3), (0, 10))) == "actions of 2 numbers, from -1 to 3 and from 0 to 10"
    assert taken_in_words(box((-1, 1), (-1, 1))) == "actions of 2 numbers from -1 to 1"
    many = taken_in_words(box(*((0, place + 1) for place in range(7))))
    assert many == "actions of 7 numbers with bounds of their own, between 0 and 7"
    assert taken_in_words(actions(spaces.Discrete(3, start=5), "mine")) == "3 actions, 5 to 7"
    assert taken_in_words(actions(spaces.Discrete(2), "mine")) == "2 actions"
    assert taken_in_words(actions(spaces.MultiDiscrete([2, 5]), "mine")) == "actions of 2 parts, of 2 x 5"


def test_what_a_model_sends_has_to_lie_in_the_bounds_of_an_environment() -> None:
    assert within(box((-1, 1)), box((-1, 1)))
    assert within(box((-1, 1)), box((-2, 1)))
    assert not within(box((-2, 1)), box((-1, 1)))
    assert not within(box((0, 1), (0, 1)), box((0, 1), (0.5, 1)))


def test_whole_numbers_in_a_box_are_refused_since_fractions_are_learned() -> None:
    with pytest.raises(
        DataError, match=r"mine takes whole numbers in a Box \(int64\).*make its action_space a MultiDiscrete"
    ):
        actions(spaces.Box(0, 9, (2,), np.int64), "mine")


def test_numbers_without_bounds_are_warned_of_since_minus_1_to_1_is_sent() -> None:
    (said,) = unbounded(spaces.Box(-np.inf, np.inf, (1,)))
    assert said.startswith("action_space has no bounds, so that -1 to 1 is sent there")
    (said,) = unbounded(spaces.Box(np.array([0, -np.inf], np.float32), np.array([1, 5], np.float32)))
    assert said.startswith("1 of the 2 entries of action_space have no bounds")
    assert unbounded(spaces.Box(-2, 2, (3,))) == []
    assert unbounded(spaces.Discrete(3)) == []
