"""A length in steps of the environments: what it becomes, in a run and on resume, and where it is none."""

from pathlib import Path
from typing import Any

import pytest

import sonde
from sonde.core.config import LoopConfig
from sonde.core.config_file import read_config
from sonde.core.errors import ConfigError
from sonde.run.resume import check_overrides, dropped_lengths, with_length
from tests.acting.small_environments import Corridor

FEW: dict[str, Any] = {"episodes": 1, "test_episodes": 1, "threads": 1, "quiet": True, "films": False, "doctor": False}


TYPED = {"time_limit": "typed", "environment_steps": "typed", "steps": "recipe"}


def test_a_run_takes_as_many_steps_also_when_it_is_resumed_for_more(tmp_path: Path, capsys: Any) -> None:
    given = {**FEW, "quiet": False, "rollout": 8, "environments": 4, "batch_size": 16, "reuse": 1}
    run = sonde.train(Corridor, environment_steps=60, out=tmp_path / "run", **given)
    assert (run.result["steps"], run.result["experience"]["environment_steps"]) == (4, 64)
    assert "64 steps of the environments: 2 rollouts of 32, 2 updates each" in capsys.readouterr().out
    saved = read_config(tmp_path / "run" / "config.yaml")
    assert (saved.settings["steps"], saved.origin["steps"], saved.settings["environment_steps"]) == (4, "recipe", 60)
    more = sonde.resume(run.folder, environment_steps=96)
    assert (more.result["steps"], more.result["experience"]["environment_steps"]) == (6, 96)
    assert "no longer" not in capsys.readouterr().out
    assert more.result["lengths_told"] == {"steps": "--environment-steps 96"}
    assert sonde.resume(run.folder).result == more.result
    assert f"train it further with: sonde resume {run.folder} --environment-steps N" in capsys.readouterr().out
    again = sonde.resume(run.folder, steps=8)
    assert again.result["experience"]["environment_steps"] == 128
    assert sonde.resume(run.folder, environment_steps=160).result["steps"] == 10  # steps were typed before


@pytest.mark.parametrize(
    ("data", "settings", "told"),
    [
        (Corridor, {"steps": 5}, "steps= counts updates and environment_steps= what the environments do"),
        (Corridor, {"task": "reinforce"}, "an update of task reinforce takes is not known before"),
        ("digits", {}, "has no effect: task classification learns from rows"),
    ],
)
def test_where_it_is_no_length_it_is_refused(data: Any, settings: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=told):
        sonde.train(data, environment_steps=500, quiet=True, out=tmp_path / "run", **settings)


def test_sonde_fit_refuses_it() -> None:
    import torch

    x = torch.zeros(8, 2)
    with pytest.raises(ConfigError, match=r"environment_steps=5 has no effect: sonde.fit learns from data as they are"):
        sonde.fit(
            torch.nn.Linear(2, 1), (x, x[:, :1]), loss=torch.nn.functional.mse_loss, environment_steps=5, quiet=True
        )  # type: ignore[call-arg]


def test_updates_and_steps_of_environments_replace_one_another() -> None:
    before = LoopConfig(steps=4, environment_steps=60, time_limit="10m")
    assert (
        dropped_lengths(before, {"steps": 9}, TYPED) == "--time-limit 10m no longer applies; give it as well to keep it"
    )
    assert "--environment-steps 60 and --time-limit 10m no longer apply" in dropped_lengths(
        before, {"epochs": 9}, TYPED
    )
    planned = dropped_lengths(LoopConfig(steps=7808), {"time_limit": "10m"}, {"steps": "recipe"})
    assert planned == "the planned length no longer applies; give --steps 7808 as well to keep it"
    assert with_length(before, {"environment_steps": 99}) == LoopConfig(environment_steps=99)
    with pytest.raises(ConfigError, match="give one of them"):
        check_overrides({"steps": 9, "environment_steps": 99})
