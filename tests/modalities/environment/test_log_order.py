"""Rows of a log that look shuffled, and those that do not, however far an environment moves in a step."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sonde.core.config import DataConfig
from sonde.modalities.environment.log import Log
from sonde.modalities.environment.log_order import out_of_order
from sonde.modalities.inspect import inspect

ROWS, LENGTH = 1_500, 12


def log(observation: np.ndarray) -> Log:
    """Episodes of 12 steps."""
    count = len(observation)
    last = np.arange(count) % LENGTH == LENGTH - 1
    return Log(
        observation=observation,
        action=np.zeros(count, np.int64),
        reward=np.zeros(count, np.float32),
        terminated=last,
        truncated=0 * last,
        episode=np.arange(count) // LENGTH,
        following=np.roll(observation, -1, 0),
        known=~last,
    )


def drifting() -> np.ndarray:
    """A number that moves a little, and one that is drawn anew in each step."""
    random = np.random.default_rng(0)
    return np.stack([np.cumsum(random.standard_normal(ROWS)), random.standard_normal(ROWS)], 1).astype(np.float32)


def places() -> np.ndarray:
    """0 and 1 for each of 40 places, of which one is always left for another: no number is like itself a step later."""
    random, place, seen = np.random.default_rng(0), 0, []
    for _ in range(ROWS):
        place = (place + int(random.integers(1, 4))) % 40
        seen.append(place)
    return np.eye(40, dtype=np.float32)[seen]


def turning() -> np.ndarray:
    """A quarter of a circle in each step, which is as far from the last as any two are in the mean, and told by it."""
    angle = np.arange(ROWS) * np.pi / 2 + np.random.default_rng(0).standard_normal(ROWS // LENGTH).repeat(LENGTH)
    return np.stack([np.cos(angle), np.sin(angle)], 1).astype(np.float32)


def falling() -> np.ndarray:
    """A bright pixel that falls by a row in each step."""
    column = np.random.default_rng(0).integers(0, LENGTH, ROWS // LENGTH).repeat(LENGTH)
    seen = np.zeros((ROWS, 1, LENGTH, LENGTH), np.uint8)
    seen[np.arange(ROWS), 0, np.arange(ROWS) % LENGTH, column] = 255
    return seen


@pytest.mark.parametrize("made", [drifting, places, turning, falling])
def test_rows_in_their_order_are_silent_and_shuffled_ones_are_said(made: Callable[[], np.ndarray]) -> None:
    found = log(made())
    assert out_of_order(found, told=False) == []
    mixed = np.random.default_rng(1).permutation(ROWS)
    (said,) = out_of_order(replace(found, observation=found.observation[mixed]), told=False)
    assert said.startswith("observations that follow one another are no more alike than any two")


def test_a_file_of_such_rows_is_inspected(tmp_path: Path) -> None:
    found, place = log(drifting()[np.random.default_rng(1).permutation(ROWS)]), tmp_path / "log.npz"
    held = {"observations": found.observation, "actions": found.action, "rewards": found.reward}
    np.savez(place, **held, terminated=found.terminated, truncated=found.truncated)  # type: ignore[arg-type]
    said = [each.evidence for each in inspect(str(place), DataConfig()).findings]
    assert any(each.startswith("observations that follow one another are no more alike than any two") for each in said)


def test_of_few_steps_or_observations_that_stay_nothing_is_said() -> None:
    mixed = drifting()[np.random.default_rng(1).permutation(ROWS)]
    assert out_of_order(log(mixed[:300]), told=False) == []
    assert out_of_order(log(np.ones((ROWS, 2), np.float32)), told=False) == []


def test_what_followed_by_the_log_is_compared_with_the_row_behind() -> None:
    found = log(drifting())
    assert out_of_order(found, told=True) == []
    (said,) = out_of_order(replace(found, following=found.following + 1), told=True)
    assert said.startswith("next_observations of 100% of the steps are not the observations of the row behind them")
