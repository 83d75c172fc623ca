"""Wrappers that scale by what they met so far are refused, by name and with what does the same here."""

from typing import Any

import gymnasium
import pytest

from sonde.core.config import DataConfig
from sonde.core.errors import DataError
from sonde.modalities.open import open_data
from tests.acting.small_environments import Walk

wrappers = gymnasium.wrappers


def frozen() -> Any:
    env = wrappers.NormalizeReward(Walk())
    env.update_running_mean = False
    return env


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: wrappers.NormalizeReward(Walk()), "NormalizeReward divides rewards .*leave it off: .*--scale-rewards"),
        (
            lambda: wrappers.TimeLimit(wrappers.NormalizeObservation(Walk()), 5),
            "NormalizeObservation scales observations .*leave it off: .*--scale-observations",
        ),
    ],
)
def test_a_wrapper_that_learns_its_scale_is_refused_with_what_does_the_same(make: Any, told: str) -> None:
    with pytest.raises(DataError, match=told):
        open_data(make, DataConfig())
    with pytest.raises(DataError, match=told):
        open_data(make(), DataConfig())


def test_so_is_one_around_several() -> None:
    several = gymnasium.wrappers.vector.NormalizeReward(gymnasium.vector.SyncVectorEnv([Walk]))
    with pytest.raises(DataError, match="NormalizeReward divides rewards .*leave it off"):
        open_data(several, DataConfig())


class NormalizeReward(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Somebody's own of the same name, by a fixed number."""

    def step(self, action: Any) -> Any:
        shown, reward, *rest = self.env.step(action)
        return (shown, float(reward) / 10, *rest)


def test_one_of_the_same_name_that_keeps_no_statistics_is_part_of_the_environment() -> None:
    assert open_data(lambda: NormalizeReward(Walk()), DataConfig()).findings == []
    with pytest.raises(DataError, match="NormalizeReward divides rewards"):
        open_data(lambda: NormalizeReward(wrappers.NormalizeReward(Walk())), DataConfig())


def test_one_that_is_held_fast_is_part_of_the_environment() -> None:
    assert open_data(frozen, DataConfig()).findings == []
