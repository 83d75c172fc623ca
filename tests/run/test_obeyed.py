"""What help leaves out is what has no effect."""

from pathlib import Path
from typing import Any

import pytest

import sonde
from sonde.acting.config import EnvironmentConfig
from sonde.modalities.settings import leaves
from sonde.run import job
from sonde.run.applicable import RULES, idle
from sonde.run.obeyed import obeyed
from sonde.tasks.table import spec
from tests.acting.small_environments import Corridor


def test_what_help_leaves_out_of_a_run_that_acts_has_no_effect_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[Any] = []
    monkeypatch.setattr(job, "refuse_without_effect", lambda parts, given: built.append(parts))
    sonde.train(Corridor, task="a2c", environments=2, rollout=4, steps=1, episodes=1, test_episodes=1, films=False,
                doctor=False, threads=1, quiet=True, out=tmp_path / "run")  # fmt: skip
    refused = {name for rule in RULES for name in rule.names} - {
        *vars(EnvironmentConfig())
    }  # these where data are read
    hidden = {*leaves()} - obeyed(spec("a2c"), "gym")
    assert hidden & refused <= idle(built[0])
    assert {"folds", "augment", "epochs", "balanced", "image_size"} <= hidden & refused


def test_without_a_task_and_a_scheme_all_may_be_obeyed_that_can_be_typed() -> None:
    assert {*leaves()} - obeyed(None) == {"schedule_every"}
    assert {"folds", "opponents"} <= obeyed(None, "photos")
