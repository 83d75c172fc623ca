"""A log is what a run that learned from one can be judged by, and no run that acts."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sonde
from sonde.cli.main import main
from sonde.core.errors import DataError

CORRIDOR = "env:tests.acting.small_environments:Corridor"
SMALL: dict[str, Any] = {"quiet": True, "threads": 1, "hidden": (8,), "episodes": 2, "test_episodes": 2, "films": False}


def log(place: Path, *, seed: int) -> Path:
    """Numbers of which many rows are equal, and actions that follow from them."""
    seen = np.eye(4, dtype=np.float32)[np.random.default_rng(seed).integers(0, 4, 200)]
    ends = np.arange(200) % 10 == 9
    np.savez(
        place,
        observations=seen,
        actions=seen[:, :2].any(1).astype(np.int64),
        rewards=np.ones(200),
        terminated=ends,
        truncated=0 * ends,
    )
    return place


@pytest.mark.parametrize(
    ("task", "told"), [("cloning", {"accuracy", "log_likelihood"}), ("cql", {"accuracy", "value"})]
)
def test_what_learned_from_a_log_is_judged_by_another(
    tmp_path: Path, task: str, told: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("gymnasium")
    own, other = log(tmp_path / "own.npz", seed=0), log(tmp_path / "other.npz", seed=1)
    run = sonde.train(
        own, task=task, environment=CORRIDOR, steps=60, batch_size=64, lr=0.03, out=tmp_path / "run", **SMALL
    )
    found = run.evaluation(other)
    assert set(found.scores) == told
    assert (found.rows, found.row) == (200, ("step", "steps"))
    assert found.scores["accuracy"] > 0.7
    assert run.evaluation(own, split="train").row == ("step", "steps")
    assert run.evaluation(own).row == ("episode", "episodes")  # which its own test is of
    capsys.readouterr()
    assert main(["eval", str(run.folder), str(other)]) == 0
    assert "all, 200 steps" in capsys.readouterr().out.splitlines()[0]


def test_what_learned_by_acting_is_not(tmp_path: Path) -> None:
    pytest.importorskip("gymnasium")
    run = sonde.train(CORRIDOR, steps=1, rollout=8, batch_size=8, environments=1, out=tmp_path / "run", **SMALL)
    place = log(tmp_path / "log.npz", seed=0)
    with pytest.raises(DataError, match="it learned by acting: leave the data out, or give what it is played in"):
        run.evaluate(place)
    assert "return" in run.evaluate()
    assert "return" in run.evaluate(CORRIDOR)
    assert len(run.predict(place)) == 200


def test_what_learned_a_game_is_asked_for_a_game(tmp_path: Path) -> None:
    pytest.importorskip("pyspiel")
    few: dict[str, Any] = {"steps": 1, "episodes": 1, "test_episodes": 2, "opponents": "random", "environments": 2}
    run = sonde.train(
        "game:tic_tac_toe", simulations=2, batch_size=4, out=tmp_path / "run", quiet=True, threads=1, **few
    )
    place = log(tmp_path / "log.npz", seed=0)
    with pytest.raises(DataError, match=r"or give what it is played in \(game:NAME\)"):
        run.evaluate(place)
