"""A run that was begun before values looked ten steps ahead goes on with one."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

import sonde
from sonde.core.errors import RunFolderError

SMALL: dict[str, Any] = {
    "task": "cql",
    "hidden": (8,),
    "batch_size": 32,
    "quiet": True,
    "threads": 1,
    "evaluate_every": "4 steps",
}


def test_a_run_of_before_goes_on_as_it_was_begun(tmp_path: Path) -> None:
    random, count = np.random.default_rng(0), 200
    np.savez(
        tmp_path / "log.npz",
        observations=random.standard_normal((count, 3)).astype(np.float32),
        actions=random.integers(0, 2, count),
        rewards=random.random(count),
        terminated=np.zeros(count, bool),
        truncated=np.arange(count) % 20 == 19,
    )
    log = tmp_path / "log.npz"
    whole = sonde.train(log, steps=8, schedule="constant", log_steps=1, out=tmp_path / "whole", **SMALL)
    sonde.train(log, steps=4, schedule="constant", log_steps=1, out=tmp_path / "before", **SMALL)
    config = tmp_path / "before" / "config.yaml"
    saved = yaml.safe_load(config.read_text())
    assert saved["settings"].pop("log_steps") == 1
    saved["origin"].pop("log_steps")
    config.write_text(yaml.safe_dump(saved))
    shutil.copytree(tmp_path / "before", tmp_path / "again")
    with pytest.raises(RunFolderError, match=r"holds a run with log_steps=1, and now it is unset; resume with: "):
        sonde.train(log, steps=8, schedule="constant", out=tmp_path / "again", **SMALL)
    resumed = sonde.resume(tmp_path / "before", steps=8, quiet=True)
    assert resumed.metrics == whole.metrics
    ahead = sonde.train(log, steps=8, schedule="constant", out=tmp_path / "ahead", **SMALL)
    assert ahead.metrics != whole.metrics
