"""Rewards divided by the spread of their discounted sums."""

import numpy as np
import pytest

from sonde.acting.experience.reward_scale import RewardScale

REWARD = np.array([[1.0, 0.0], [2.0, -4.0], [8.0, 0.0], [1.0, 1.0]])
ENDED = np.array([[False, False], [True, False], [False, True], [False, False]])
SUMS = [1, 0, 2.5, -4, 8, -2, 5, 1]  # with a discount of a half, from each episode's beginning


def test_they_are_divided_by_the_standard_deviation_of_discounted_sums() -> None:
    scale = RewardScale(2, 0.5)
    found = scale.scaled(REWARD, ENDED)
    assert scale.scale == pytest.approx(np.std(SUMS))
    np.testing.assert_allclose(found, REWARD / np.std(SUMS))


def test_statistics_and_sums_go_on_from_one_rollout_to_the_next() -> None:
    whole, first, second = RewardScale(2, 0.5), RewardScale(2, 0.5), RewardScale(2, 0.5)
    whole.scaled(REWARD, ENDED)
    first.scaled(REWARD[:1], ENDED[:1])
    second.load_state_dict(first.state_dict())
    second.scaled(REWARD[1:], ENDED[1:])
    assert second.scale == pytest.approx(whole.scale)


def test_rewards_that_are_all_the_same_nothing_are_left_alone() -> None:
    scale = RewardScale(1, 0.9)
    assert scale.scale == 1
    assert scale.scaled(np.zeros((3, 1)), np.zeros((3, 1), bool)).tolist() == [[0], [0], [0]]
    assert scale.scale == 1
