"""Logs of episodes that are played."""

from pathlib import Path

import numpy as np
import pytest
import torch

from sonde.acting.evaluation.episodes import Episodes
from sonde.acting.evaluation.recorder import Recorder, check_place
from sonde.core.acting import Acting
from sonde.core.errors import ConfigError
from sonde.modalities.environment.log import log_of
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
