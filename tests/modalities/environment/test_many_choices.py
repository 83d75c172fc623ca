"""Quantities that are declared as choices."""

from typing import Any

import gymnasium
import numpy
import pytest
from gymnasium import spaces

from sonde.acting.environments.spaces import space_of
from sonde.core.config import DataConfig
from sonde.modalities.environment.many_choices import many_choices
from sonde.modalities.inspect import inspect
from sonde.modalities.open import open_data

FEW = space_of(spaces.Discrete(4))


@pytest.mark.parametrize(
    ("space", "told"),
    [
        (spaces.MultiDiscrete([20_001, 5_001, 7]), "observations hold 3 choices, of 20,001 x 5,001 x 7: 25,009 inputs"),
        (spaces.Dict({"bin": spaces.Discrete(9_000), "left": spaces.Box(0, 1)}), "observations hold one of 9,000: 9,000 inputs"),
        (spaces.MultiDiscrete([300] * 8), "observations hold 8 choices, of 300 x 300 x 300 x 300 x 300 x 300 x …: 2,400 inputs"),
        (spaces.Discrete(500), ""),
        (spaces.Box(0, 1, (9_000,)), ""),
    ],
)  # fmt: skip
def test_many_values_are_named(space: Any, told: str) -> None:
    found = many_choices(space_of(space), FEW)
    assert [each.evidence.startswith(told) for each in found] == ([True] if told else [])


def test_so_are_those_of_actions() -> None:
    (found,) = many_choices(FEW, space_of(spaces.MultiDiscrete([20_001, 7])))
    assert found.evidence.startswith("actions are 2 choices, of 20,001 x 7: 20,008 outputs")
    assert found.name == "choices-too-many"


class Stock(gymnasium.Env[Any, Any]):
    """A shop's."""

    observation_space: Any = spaces.MultiDiscrete([3_001, 7])
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._left = int(self.np_random.integers(3, 3_001))
        return self._shown(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._left -= 1 + int(action)
        return self._shown(), 1.0, self._left % 9 == 0, self._left < 2, {}

    def _shown(self) -> Any:
        return numpy.array([max(0, self._left), self._left % 7])


def named(make: Any) -> list[bool]:
    """Whether it is told before training, and in an inspection."""
    before, seen = open_data(make, DataConfig()).findings, inspect(make, DataConfig(), seconds=0.2).findings
    return [any(each.check == "choices too many" for each in found) for found in (before, seen)]


def test_they_are_told_of_and_the_remedy_is_one() -> None:
    assert named(Stock) == [True, True]
    (found,) = many_choices(space_of(Stock.observation_space), FEW)
    remedy = found.action.partition("such as by ")[2]
    assert remedy.endswith("numpy.float32([3000, 6]), gymnasium.spaces.Box(0, 1, (2,)))")
    known = {"gymnasium": gymnasium, "numpy": numpy}

    def make() -> Any:
        return eval(remedy, {**known, "env": Stock()})

    assert named(make) == [False, False]
    assert make().reset(seed=0)[0].max() <= 1
