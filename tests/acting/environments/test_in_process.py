"""Environments that step one after the other."""

from typing import Any

import numpy as np
import pytest

from sonde.acting.environments.in_process import InProcess
from sonde.core.errors import RunFolderError
from tests.acting.small_environments import Corridor, Walk


def of(make, count=2) -> InProcess:
    return InProcess(make, count, encode=lambda seen: np.asarray(seen, np.float32), seed_of=lambda a, b: 100 * a + b)


def test_an_episode_that_ends_shows_its_last_observation_and_the_next_ones_first() -> None:
    environments = of(lambda: Corridor(2))
    assert environments.reset().argmax(1).tolist() == [0, 0]
    first = environments.step(np.array([0, 0]))
    last = environments.step(np.array([0, 0]))
    assert (first.terminated.any(), first.truncated.any()) == (False, False)
    assert last.terminated.tolist() == [True, True]
    assert last.following.argmax(1).tolist() == [2, 2]
    assert last.observation.argmax(1).tolist() == [0, 0]


def test_what_is_cut_off_is_truncated_and_not_terminated() -> None:
    environments = of(lambda: Corridor(1, cut=True))
    environments.reset()
    found = environments.step(np.array([0, 0]))
    assert (found.terminated.any(), found.truncated.all()) == (False, True)


def test_each_episode_begins_from_a_seed_of_its_own() -> None:
    made: list[Corridor] = []

    def make() -> Corridor:
        made.append(Corridor(1))
        return made[-1]

    environments = of(make)
    environments.reset()
    environments.step(np.array([0, 0]))
    assert [env.seeds for env in made] == [[0, 1], [100, 101]]


def test_played_again_they_stand_where_they_stood() -> None:
    before, after = of(Walk, 3), of(Walk, 3)
    before.reset()
    chosen = np.random.default_rng(0).integers(0, 2, (25, 3))
    for actions in chosen[:13]:
        before.step(actions)
    shown = after.load_state_dict(before.state_dict())
    for actions in chosen[13:]:
        one, other = before.step(actions), after.step(actions)
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)
    assert shown.shape == (3, 1)


def test_an_environment_that_is_not_told_by_its_seed_cannot_be_resumed() -> None:
    class Drifting(Walk):
        drawn = iter(range(100))

        def reset(self, *, seed=None, options=None):
            super().reset(seed=seed)
            return np.array([next(self.drawn)], np.float32), {}

    before, after = of(Drifting), of(Drifting)
    before.reset()
    with pytest.raises(RunFolderError, match="something else when the same episode is played again"):
        after.load_state_dict(before.state_dict())


class Paying(Walk):
    """Pays what is asked for, and may end where it is told to."""

    paid, last = 1.0, 99

    def reset(self, *, seed=None, options=None):
        self.taken = 0
        return super().reset(seed=seed)

    def step(self, action):
        seen, _, over, cut, about = super().step(action)
        self.taken += 1
        return seen, self.paid * self.taken, over or self.taken == self.last, cut, about


class Richer(Paying):
    paid = 2.0


class Shorter(Paying):
    last = 2


def stood() -> dict[str, Any]:
    before = of(Paying, 3)
    before.reset()
    for _ in range(3):
        before.step(np.array([0, 1, 0]))
    return before.state_dict()


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (Richer, "a step is paid 2, and was paid 1, in environment 0 when the same episode is played again.*--fresh"),
        (Shorter, "an episode is over that went on in environment 0 when the same episode is played again.*--fresh"),
    ],
)
def test_an_environment_that_was_changed_is_not_gone_on_with(changed: type[Paying], told: str) -> None:
    with pytest.raises(RunFolderError, match=told):
        of(changed, 3).load_state_dict(stood())


def test_of_a_state_without_rewards_they_are_taken_as_they_are_paid() -> None:
    earlier = {name: values for name, values in stood().items() if name != "reward"}
    after = of(Richer, 3)
    after.load_state_dict(earlier)
    assert after.state_dict()["reward"].tolist() == [2.0, 4.0, 6.0] * 3
