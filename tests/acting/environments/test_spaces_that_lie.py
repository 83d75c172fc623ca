"""What is shown beside what a space says."""

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from sonde.acting.environments.spaces_that_lie import NOT_FINITE, OUTSIDE, lie

BOX = spaces.Box(-1, 1, (2,), np.float32)
PARTS = spaces.Dict({"seen": BOX, "room": spaces.Discrete(3)})


@pytest.mark.parametrize(
    ("space", "shown"),
    [
        (BOX, np.array([1, -1], np.float32)),
        (BOX, np.array([1 + 1e-6, 0], np.float32)),  # rounding
        (BOX, np.array([0, 1], np.int16)),  # float32 holds all of these
        (PARTS, {"seen": np.zeros(2, np.float32), "room": 2}),
        (spaces.Tuple([spaces.Discrete(2), BOX]), (1, np.zeros(2, np.float32))),
        (spaces.Discrete(16), np.int64(3)),
    ],
)
def test_what_is_as_it_is_said(space: Any, shown: Any) -> None:
    assert lie(space, shown) is None


@pytest.mark.parametrize(
    ("space", "shown", "name", "said"),
    [
        (BOX, np.array([0, 2], np.float32), OUTSIDE, "number 1 is 2, and the space says -1 to 1"),
        (BOX, np.array([np.inf, 0], np.float32), NOT_FINITE, "number 0 is inf"),
        (BOX, np.zeros(2), OUTSIDE, "it is float64, and the space says float32"),
        (BOX, np.zeros((1, 2), np.float32), OUTSIDE, "it has shape (1, 2), and the space says (2,)"),
        (BOX, "left", OUTSIDE, "it is 'left', which is no array of numbers"),
        (spaces.Discrete(2), 2, OUTSIDE, "it is 2, which is not in Discrete(2)"),
        (PARTS, {"seen": np.full(2, np.nan, np.float32), "room": 0}, NOT_FINITE, "part seen number 0 is nan"),
        (PARTS, {"seen": np.zeros(2, np.float32)}, OUTSIDE, "and not the parts room, seen"),
        (spaces.Tuple([BOX, BOX]), (np.zeros(2, np.float32),), OUTSIDE, "and not 2 parts"),
    ],
)
def test_what_is_wrong_is_told(space: Any, shown: Any, name: str, said: str) -> None:
    found = lie(space, shown)
    assert found is not None
    assert found.name == name
    assert said in found.said
