"""What is done to pictures of gymnasium's environments."""

from typing import Any

import numpy as np
import pytest

from sonde.acting.environments.pictures import Pictures, resized
from sonde.core.errors import DataError

gymnasium = pytest.importorskip("gymnasium")


class Counting(gymnasium.Env):
    """Shows the number of its step, red first, on the left half; the right is black. Earns 1 a step."""

    observation_space = gymnasium.spaces.Box(0, 255, (6, 8, 3), np.uint8)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: Any = None):
        super().reset(seed=seed)
        self.steps = 0
        return self._shown(), {}

    def step(self, action):
        self.steps += 1
        return self._shown(), 1.0, False, self.steps == 12, {}

    def _shown(self) -> np.ndarray:
        shown = np.zeros((6, 8, 3), np.uint8)
        shown[:, :4] = (10 * self.steps, self.steps, 0)
        return shown


def played(steps: int, **settings: Any) -> list[np.ndarray]:
    env = Pictures(make=Counting, name="gym:Counting", **settings)()
    seen = [env.reset(seed=0)[0]]
    seen += [env.step(0)[0] for _ in range(steps)]
    assert all(env.observation_space.contains(each) for each in seen)
    return [np.asarray(each) for each in seen]


def test_a_stack_holds_the_latest_with_the_newest_last() -> None:
    seen = played(3, stack=3)
    assert [each[::3, 0, 0].tolist() for each in seen] == [[0, 0, 0], [0, 0, 10], [0, 10, 20], [10, 20, 30]]
    assert seen[0].shape == (9, 6, 8)


def test_an_action_is_repeated_and_its_rewards_are_summed() -> None:
    env = Pictures(make=Counting, name="gym:Counting", skip=4)()
    env.reset(seed=0)
    answers = [env.step(0) for _ in range(3)]
    assert [answer[1:4] for answer in answers] == [(4.0, False, False), (4.0, False, False), (4.0, False, True)]
    assert [int(answer[0][0, 0, 0]) for answer in answers] == [40, 80, 120]


def test_grey_is_luminance_and_a_smaller_picture_the_mean_of_areas() -> None:
    seen = played(10, grey=True, size=2, stack=2)
    assert seen[-1].shape == (2, 2, 2)
    grey = 0.2125 * 100 + 0.7154 * 10
    np.testing.assert_allclose(seen[-1][1], [[grey, 0], [grey, 0]], atol=1)
    halves = np.repeat([[0, 100, 200, 40]], 4, 0).astype(np.uint8)[..., None]
    assert resized(2, halves)[..., 0].tolist() == [[50, 120], [50, 120]]


def test_what_shows_no_pictures_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"gym:CartPole-v1 shows 4 numbers.*change pictures of .*; leave them out"):
        Pictures(make=lambda: gymnasium.make("CartPole-v1"), name="gym:CartPole-v1", stack=4)()
