"""Logs of episodes that are played."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces

from sonde.acting.environments.checked import Checked
from sonde.acting.environments.making import as_shown
from sonde.acting.environments.spaces import space_of
from sonde.acting.evaluation.episodes import Episodes
from sonde.acting.evaluation.recorder import Recorder, check_place
from sonde.core.acting import Acting
from sonde.core.config import DataConfig
from sonde.core.dataset import Schema, TargetSpec
from sonde.core.errors import ConfigError
from sonde.core.spaces import as_text, leaves
from sonde.modalities.environment.forms.log import _by_itself
from sonde.modalities.environment.log import checked, log_of
from sonde.modalities.environment.log_files import arrays_of
from sonde.modalities.environment.spaces import observations
from sonde.modalities.open import open_like
from tests.acting.small_environments import Corridor


def played(*, cut: bool) -> Recorder:
    acting = Acting(act=lambda seen, random: {"action": seen.argmax(1) % 2}, sent=lambda action: action)
    source = Episodes(
        lambda: Corridor(3, cut=cut),
        lambda seen: seen,
        acting,
        seeds=range(25),
        sampled=False,
        seed=0,
        device=torch.device("cpu"),
    )
    source.recorder = Recorder()
    list(source)
    return source.recorder


@pytest.mark.parametrize("cut", [False, True])
def test_each_step_is_as_it_was_played(cut: bool) -> None:
    found = played(cut=cut).arrays()
    place = found["observations"].argmax(1)
    np.testing.assert_array_equal(place, [0, 1, 2] * 25)
    np.testing.assert_array_equal(found["actions"], [0, 1, 0] * 25)
    np.testing.assert_array_equal(found["episodes"], np.repeat(np.arange(25), 3))
    np.testing.assert_array_equal(found["truncated" if cut else "terminated"], [False, False, True] * 25)
    assert not found["terminated" if cut else "truncated"].any()
    assert found["final_observations"].argmax(1).tolist() == [3] * 25


def test_what_was_written_is_read_as_it_was(tmp_path: Path) -> None:
    assert played(cut=True).write(tmp_path / "new" / "log.npz", "gym:Corridor-v0") == 75
    with np.load(tmp_path / "new" / "log.npz") as file:
        log = log_of({name: file[name] for name in file.files}, "log.npz")
        assert str(file["environment"]) == "gym:Corridor-v0"
    np.testing.assert_array_equal(log.following.argmax(1), [1, 2, 3] * 25)
    np.testing.assert_array_equal(log.returns, [3.0] * 25)
    assert log.known.all()


def test_a_log_replaces_nothing_and_is_an_npz_file(tmp_path: Path) -> None:
    (tmp_path / "a.npz").touch()
    for name, said in (
        ("a.npz", "is there already"),
        ("a.pt", "--log writes NPZ files, and a.pt is none; call it a.npz"),
    ):
        with pytest.raises(ConfigError, match=said):
            check_place(tmp_path / name)


ROOMS = spaces.Dict({"room_1": spaces.Discrete(3, start=1), "room_2": spaces.Discrete(4)})
SHOWN: dict[str, spaces.Space[Any]] = {
    "Rooms": ROOMS,
    "Twice": spaces.Tuple((spaces.Box(-1, 1, (2,), np.float64), spaces.Box(-1, 1, (2,), np.float32))),
    "Board": spaces.Dict({"picture": spaces.Box(0, 255, (4, 4, 3), np.uint8), "inside": ROOMS}),
    "Bits": spaces.MultiBinary(3),
    "Choices": spaces.MultiDiscrete([3, 2], start=[1, 0]),
    "Dim": spaces.Box(0, 3, (6, 6, 2), np.uint8),
    "Numbers": spaces.Box(-1, 1, (2,), np.float64),
}


class Showing(gymnasium.Env[Any, Any]):
    """Shows what its space draws, three times."""

    action_space = spaces.Discrete(2)

    def __init__(self, space: Any) -> None:
        self.observation_space = space
        self.kept: list[Any] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        self.observation_space.seed(seed)
        self.kept.append([self.observation_space.sample()])
        return self.kept[-1][-1], {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.kept[-1].append(self.observation_space.sample())
        return self.kept[-1][-1], 0.0, len(self.kept[-1]) == 4, False, {}


def logged(space: Any, place: Path) -> tuple[list[Any], np.ndarray]:
    """A log of two episodes: (what was shown before each step, as networks see it)."""
    shown, acted = (
        Showing(space),
        Acting(act=lambda seen, random: {"action": seen.flatten(1)[:, 0] > 0}, sent=lambda x: 1 * x),
    )
    seen = observations(space, "mine")
    env = Checked(shown, seen.encode, shape=seen.spec.shape, name="mine")
    source = Episodes(lambda: env, as_shown, acted, seeds=[3], sampled=False, seed=0, device=torch.device("cpu"))
    source.recorder = Recorder()
    list(source)
    source.recorder.write(place, "")
    return shown.kept[-1][:-1], np.stack([seen.encode(each) for each in shown.kept[-1]])


@pytest.mark.parametrize("space", SHOWN.values(), ids=SHOWN)
def test_observations_are_logged_as_they_are_shown_and_read_as_networks_see_them(space: Any, tmp_path: Path) -> None:
    shown, seen = logged(space, tmp_path / "log.npz")
    with np.load(tmp_path / "log.npz") as file:
        for path, _ in leaves(space_of(space), shown[0]):
            held = file[f"observations.{path}" if path else "observations"]
            np.testing.assert_array_equal(held, [dict(leaves(space_of(space), each))[path] for each in shown])
            assert held.dtype.kind == np.asarray(dict(leaves(space_of(space), shown[0]))[path]).dtype.kind
    spec = observations(space, "mine").spec
    schema = Schema(
        input=replace(spec, space=as_text(observation=space_of(space), action=space_of(Showing.action_space))),
        target=TargetSpec(kind="logged-action", names=("0", "1")),
    )
    rows = open_like(tmp_path / "log.npz", schema, DataConfig()).splits["test"]
    read = rows.read(np.arange(3))
    np.testing.assert_array_equal(read["input"], seen[:-1])
    np.testing.assert_array_equal(read["following"], seen[1:])


@pytest.mark.parametrize("name", [name for name in SHOWN if name not in ("Dim", "Numbers")])
def test_without_an_environment_a_log_says_what_stands_for_one_of_several(name: str, tmp_path: Path) -> None:
    _, seen = logged(SHOWN[name], tmp_path / "log.npz")
    log, schema, warnings = _by_itself(checked(arrays_of(tmp_path / "log.npz"), "log.npz"), "log.npz")
    np.testing.assert_array_equal(log.observation, seen[:-1])
    assert schema.input.shape == seen.shape[1:]
    assert not [line for line in warnings if "whole numbers" in line]


def test_without_an_environment_pictures_have_their_channels_first(tmp_path: Path) -> None:
    shown, _ = logged(SHOWN["Dim"], tmp_path / "log.npz")
    log, schema, _ = _by_itself(checked(arrays_of(tmp_path / "log.npz"), "log.npz"), "log.npz")
    np.testing.assert_array_equal(log.observation, np.moveaxis(np.stack(shown), -1, 1))
    assert schema.input.shape == (2, 6, 6)
