"""Of equal returns the last weights are kept, patience counts from the first of them, and a resume knows both."""

from pathlib import Path
from typing import Any

import pytest

import sonde
from tests.acting.small_environments import Corridor

ALIKE: dict[str, Any] = {
    "task": "a2c", "environments": 2, "rollout": 4, "evaluate_every": "2 steps", "episodes": 1, "test_episodes": 1,
    "threads": 1, "quiet": True, "films": False, "doctor": False, "checkpoint_every": "1 step",
}  # fmt: skip


def test_the_last_of_equal_returns_is_kept_also_after_a_resume(tmp_path: Path) -> None:
    straight = sonde.train(Corridor, steps=6, out=tmp_path / "straight", **ALIKE)
    assert straight.result["best"]["step"] == 6
    assert straight.result["best"]["value"] == 3
    sonde.train(Corridor, steps=4, out=tmp_path / "resumed", **ALIKE)
    resumed = sonde.resume(tmp_path / "resumed", steps=6)
    assert resumed.result["best"] == straight.result["best"]


@pytest.mark.parametrize("patience", [2, "4 steps"])
def test_an_equal_return_is_no_improvement(patience: Any, tmp_path: Path) -> None:
    """The first evaluation is the only one that was better than before it: two more, or 4 steps more, are waited for."""
    run = sonde.train(Corridor, steps=20, patience=patience, out=tmp_path / "run", **ALIKE)
    assert run.result["ended_by"] == "patience"
    assert (run.result["steps"], run.result["best"]["step"]) == (6, 6)
