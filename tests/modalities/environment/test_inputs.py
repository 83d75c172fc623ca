"""Observations to predict on: as networks see them, or as the environment shows them; what is none is refused or said."""

import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

from sonde.acting.environments.spaces import space_of
from sonde.core.data_warning import DataWarning
from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError
from sonde.core.progress import silent
from sonde.core.spaces import as_text
from sonde.modalities.environment.inputs import rows_to_predict
from sonde.modalities.environment.spaces import KIND

PARTS = spaces.Dict({"at": spaces.Box(-1, 1, (2,), np.float32), "where": spaces.Discrete(2)})


def schema(space: spaces.Space | None, shape: tuple[int, ...]) -> Schema:
    text = "" if space is None else as_text(observation=space_of(space), action=space_of(spaces.Discrete(2)))
    return Schema(
        input=InputSpec(kind=KIND, shape=shape, space=text), target=TargetSpec(kind="action", names=("0", "1"))
    )


def rows(inputs: Any, space: spaces.Space | None, shape: tuple[int, ...]) -> list[list[float]]:
    found, names = rows_to_predict(inputs, schema(space, shape), silent)
    assert names == [f"row {number}" for number in range(len(found))]
    return found.read(np.arange(len(found)))["input"].tolist()


def test_choices_are_whole_numbers_or_rows_of_zeros_and_ones() -> None:
    assert rows([2, 0], spaces.Discrete(3), (3,)) == [[0, 0, 1], [1, 0, 0]]
    assert rows(np.array([1]), spaces.Discrete(3), (3,)) == rows(1, spaces.Discrete(3), (3,)) == [[0, 1, 0]]
    assert rows(np.eye(3)[:2], spaces.Discrete(3), (3,)) == [[1, 0, 0], [0, 1, 0]]
    assert rows([[0.5, 0.5, 0]], None, (3,)) == [[0.5, 0.5, 0]]  # of a run that does not hold the space


def test_parts_are_dicts_one_or_several_or_rows() -> None:
    one = {"at": [0.5, -0.5], "where": 1}
    assert rows(one, PARTS, (4,)) == rows([one], PARTS, (4,)) == [[0.5, -0.5, 0, 1]]
    assert len(rows([one, one], PARTS, (4,))) == 2
    assert rows(np.array([[0.5, -0.5, 0, 1.0]]), PARTS, (4,)) == [[0.5, -0.5, 0, 1]]


def test_a_log_s_observations_are_read(tmp_path: Path) -> None:
    step = {"actions": np.zeros(2, int), "rewards": np.zeros(2), "terminated": np.array([0, 1])}
    at = np.array([[0.5, -0.5], [0, 1]])
    log: dict[str, Any] = {**step, "observations.at": at, "observations.where": np.array([1, 0])}
    np.savez(tmp_path / "log.npz", **log)
    assert rows(tmp_path / "log.npz", PARTS, (4,)) == [[0.5, -0.5, 0, 1], [0, 1, 1, 0]]
    np.savez(tmp_path / "other.npz", **step, observations=at)
    assert rows(str(tmp_path / "other.npz"), None, (2,)) == at.tolist()
    np.savez(tmp_path / "none.npz", observations=at)
    with pytest.raises(
        DataError, match=r"give observations as a .npy file, or a log of an environment; sonde eval plays"
    ):
        rows(tmp_path / "none.npz", None, (2,))


def test_the_shape_of_pictures_is_told_as_the_environment_shows_them() -> None:
    space = spaces.Box(0, 255, (6, 5, 3), np.uint8)
    of = schema(space, (3, 6, 5))
    of = replace(of, input=replace(of.input, mean=(0.0,) * 3, std=(1.0,) * 3))
    shown = space.sample()
    for each in (shown, np.moveaxis(shown, -1, 0)):
        found = rows_to_predict(each, of, silent)[0].read(np.arange(1))["input"]
        np.testing.assert_array_equal(found[0], np.moveaxis(shown, -1, 0))
    with pytest.raises(DataError, match=r"of shape \(4, 5, 3\), and the model takes observations of shape \(6, 5, 3\)"):
        rows_to_predict(shown[:4], of, silent)


@pytest.mark.parametrize(
    ("inputs", "space", "shape", "told"),
    [
        ([[0, 1], [np.nan, 0]], spaces.Box(-1, 1, (2,)), (2,), "row 1 holds nan at entry 0; a policy takes finite"),
        ([[0, -np.inf], [np.nan, 0]], None, (2,), "row 0 holds -inf at entry 1, and 1 other row holds such too"),
        ([[0, 1, 2]], spaces.Box(-1, 1, (2,)), (2,), r"of shape \(1, 3\), and the model takes .* \(2,\)"),
        ([0, 3], spaces.Discrete(3), (3,), "observation 1 is 3 and not one of 0 to 2; give .* one of 3, or rows of 3"),
        ([{"at": [0, 0]}], PARTS, (4,), "observation 0 is at and not the parts at, where"),
        ([{"at": [np.nan, 0], "where": 0}], PARTS, (4,), "row 0 holds nan at entry 0"),
    ],
)
def test_what_is_no_observation_is_refused(inputs: Any, space: Any, shape: tuple[int, ...], told: str) -> None:
    with pytest.raises(DataError, match=told):
        rows(inputs, space, shape)


def test_rows_outside_the_space_are_counted_and_the_first_is_named() -> None:
    box = spaces.Box(np.array([-1, 0], np.float32), np.array([1, np.inf], np.float32))
    with pytest.warns(
        DataWarning, match="2 rows lie outside the observation space.* row 1 holds 7 at entry 0.* from -1 to 1"
    ):
        rows([[0, 5], [7, 0], [0, -2]], box, (2,))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows([[1.000001, 1e9], [-1, 0]], box, (2,))
