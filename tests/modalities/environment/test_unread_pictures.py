"""Pictures that no convolution sees are told of, before training and in an inspection."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from sonde.acting.environments.spaces import space_of
from sonde.core.config import DataConfig
from sonde.modalities.environment.unread_pictures import unread_pictures
from sonde.modalities.inspect import inspect
from sonde.modalities.open import open_data

CAMERA = spaces.Box(0, 255, (16, 16, 3), np.uint8)
SPEED = spaces.Box(-1, 1, (2,), np.float32)


@pytest.mark.parametrize(
    ("space", "told"),
    [
        (spaces.Dict({"cam": CAMERA, "vel": SPEED}), "part cam of the observation is a picture (16x16x3 uint8), and all parts "),
        (spaces.Tuple((SPEED, spaces.Dict({"eye": CAMERA}))), "part 1.eye of the observation is a picture"),
        (spaces.Dict({"map": spaces.Box(0, 1, (1, 9, 9), np.float32)}), "part map of the observation is a picture (1x9x9 "),
        (spaces.Box(0, 255, (84, 84), np.uint8), "observations of 84x84 uint8 have no channels, and are read as 7,056 "),
        (spaces.Box(0, 255, (4, 84, 84, 3), np.uint8), "observations of 4x84x84x3 uint8 are several pictures, and are read as"),
        (spaces.Box(0, 1, (64, 64, 3), np.float32), "observations of 64x64x3 float32 are read as 64 channels"),
        (CAMERA, ""),
        (SPEED, ""),
        (spaces.Box(0, 1, (3, 64, 64), np.float32), ""),
        (spaces.Dict({"vel": SPEED, "board": spaces.Box(0, 2, (3, 3), np.uint8)}), ""),
        (spaces.Dict({"covariance": spaces.Box(-1, 1, (9, 9), np.float32)}), ""),
    ],
)  # fmt: skip
def test_a_picture_that_is_read_as_numbers_is_named(space: Any, told: str) -> None:
    found = unread_pictures(space_of(space))
    assert [each.evidence.startswith(told) for each in found] == ([True] if told else [])
    assert all((each.name, each.severity) == ("picture-read-as-numbers", "warning") for each in found)


class Sees(gymnasium.Env[Any, Any]):
    """A camera and a speed."""

    observation_space = spaces.Dict({"cam": CAMERA, "vel": SPEED})
    action_space = spaces.Discrete(2)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._steps = 0
        return self._shown(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._steps += 1
        return self._shown(), float(action), self._steps == 5, False, {}

    def _shown(self) -> Any:
        return {
            "cam": self.np_random.integers(0, 256, (16, 16, 3), np.uint8),
            "vel": self.np_random.uniform(-1, 1, 2).astype(np.float32),
        }


def test_it_is_said_before_training_and_in_an_inspection() -> None:
    (found,) = open_data(Sees, DataConfig()).findings
    assert "one row of 770 numbers, without convolutions" in found.evidence
    looked = inspect(Sees, DataConfig(), seconds=0.3)
    assert found.evidence in [each.evidence for each in looked.findings]
