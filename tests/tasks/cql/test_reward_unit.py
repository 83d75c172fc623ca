"""What is learned from a log is the same whatever its rewards count in."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import sonde
from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.tasks.cql.reward_unit import RewardUnit
from tests.cases.damaged import seal

SMALL: dict[str, Any] = {
    "task": "cql",
    "hidden": (8,),
    "batch_size": 32,
    "quiet": True,
    "threads": 1,
    "schedule": "constant",
    "evaluate_every": "5 steps",
}


def known(*rewards: list[Any]) -> RewardUnit:
    unit = RewardUnit()
    unit.know(lambda: [Batch({"reward": torch.tensor(each)}, torch.arange(len(each))) for each in rewards])
    return unit


def test_it_is_the_root_mean_square_of_rewards_that_are_not_0() -> None:
    assert known([3.0, 0.0], [-4.0]).size == pytest.approx(12.5**0.5)
    assert known([1.0, 1.0, -1.0, 0.0]).size == 1.0  # of which a deviation would be 0, or as small as they are rare
    assert known([0.0, 0.0]).size == 1.0
    assert known([[2.0, 9.0], [2.0, 0.0]]).size == 2.0  # the first is the step's own, the others are of steps behind it


def log(place: Path, *, times: float, numbers: bool) -> Path:
    random, count = np.random.default_rng(0), 200
    seen = random.standard_normal((count, 3)).astype(np.float32)
    taken = random.uniform(-1, 1, (count, 2)).astype(np.float32) if numbers else random.integers(0, 3, count)
    paid = seen[:, 0] * (taken[:, 0] if numbers else taken - 1) + 0.5
    cut = np.arange(count) % 20 == 19
    np.savez(
        place,
        observations=seen,
        actions=taken,
        rewards=paid * times,
        terminated=np.zeros(count, bool),
        truncated=cut,
    )
    return place


@pytest.mark.parametrize("numbers", [False, True])
def test_rewards_a_thousand_times_as_large_lead_to_the_same_actions_and_values_as_much_larger(
    tmp_path: Path, *, numbers: bool
) -> None:
    seen, found = np.random.default_rng(1).standard_normal((20, 3)).astype(np.float32), []
    for times in (1, 1000):
        place = log(tmp_path / f"log{times}.npz", times=times, numbers=numbers)
        run = sonde.train(place, steps=15, out=tmp_path / f"run{times}", **SMALL)
        found.append((run.predict(seen), run.metrics["value"], sonde.load(run.folder).predict(seen)))
    (one, worth, _), (other, larger, again) = found
    assert larger == pytest.approx(1000 * worth, rel=1e-3)
    for here, there in zip(one, other, strict=True):
        np.testing.assert_allclose(here["action"], there["action"], atol=1e-4)
        if not numbers:
            np.testing.assert_allclose(1000 * np.asarray(here["values"]), there["values"], rtol=1e-3, atol=0.1)
    assert again == other  # the unit is part of the run


def test_a_resumed_run_goes_on_as_it_was_begun(tmp_path: Path) -> None:
    place = log(tmp_path / "log.npz", times=1000, numbers=False)
    whole = sonde.train(place, steps=10, out=tmp_path / "whole", **SMALL)
    sonde.train(place, steps=5, out=tmp_path / "part", **SMALL)
    before = shutil.copytree(tmp_path / "part", tmp_path / "before")
    for file in (before / "checkpoints").glob("*/state.json"):  # as of versions that learned from rewards as they are
        held = json.loads(file.read_bytes().split(b"\n", 1)[1])
        held["state"]["task"] = {}
        file.write_bytes(seal(json.dumps(held).encode()))
    assert sonde.resume(tmp_path / "part", steps=10, quiet=True).metrics == whole.metrics
    assert abs(sonde.load(before).evaluate(place)["value"]) < 10
    other = sonde.resume(before, steps=10, quiet=True).metrics
    assert abs(other["value"]) < 100 < abs(whole.metrics["value"])


def test_a_setting_of_other_tasks_is_refused_with_what_is_done_instead(tmp_path: Path) -> None:
    place = log(tmp_path / "log.npz", times=1, numbers=False)
    with pytest.raises(
        ConfigError, match="rewards are divided by their root mean square in the log, without a setting"
    ):
        sonde.train(place, scale_rewards=True, out=tmp_path / "run", **SMALL)
