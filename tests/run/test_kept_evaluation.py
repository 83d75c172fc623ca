"""What the best weights were chosen by is played once, also where a run is stopped and goes on."""

from pathlib import Path
from typing import Any

import pytest

import sonde
from sonde.core.files import read_json
from sonde.run import finish

SHORT: dict[str, Any] = {
    "threads": 1,
    "quiet": True,
    "films": False,
    "episodes": 2,
    "test_episodes": 1,
    "environments": 2,
}
SHORT |= {"task": "ppo", "rollout": 8, "reuse": 2, "batch_size": 8, "max_episode_steps": 15}
GAMES: dict[str, Any] = {
    "threads": 1,
    "quiet": True,
    "environments": 4,
    "simulations": 4,
    "batch_size": 16,
    "opponents": ("random",),
}
GAMES |= {"episodes": 2, "test_episodes": 2, "model": "policy-value-resnet", "width": 4, "layers": 1}


@pytest.fixture
def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many episodes, or games, each evaluation at an end played."""
    found: list[int] = []
    play = finish.evaluate

    def counted(task: Any, source: Any, *args: Any, **named: Any) -> Any:
        meter = play(task, source, *args, **named)
        found.append(len(meter.kept()))  # type: ignore[attr-defined]
        return meter

    monkeypatch.setattr(finish, "evaluate", counted)
    return found


def validation(folder: Path) -> dict[str, Any]:
    """What the report is made of."""
    files = ("metrics", "episodes", "sums", "matches")
    there = [folder / "evaluation" / "validation" / f"{name}.json" for name in files]
    return {file.stem: read_json(file) for file in there if file.exists()}


@pytest.mark.parametrize(("name", "settings"), [("gym:CartPole-v1", SHORT), ("game:connect_four", GAMES)])
def test_a_run_stopped_at_its_end_plays_only_what_is_still_to_be_played(
    name: str, settings: dict[str, Any], evaluated: list[int], tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    sonde.train(name, out=folder, steps=4, **settings)
    before, found, result = list(evaluated), validation(folder), read_json(folder / "result.json")
    (folder / "result.json").unlink()
    sonde.resume(folder, quiet=True)
    assert evaluated[len(before) :] == before  # of the test alone, as at first
    assert validation(folder) == found
    assert read_json(folder / "result.json")["metrics"] == result["metrics"]


def test_a_checkpoint_that_says_nothing_of_it_is_evaluated(
    evaluated: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    with monkeypatch.context() as earlier:
        earlier.setattr("sonde.run.train.kept_evaluation", lambda *_: {})
        sonde.train("gym:CartPole-v1", out=folder, steps=4, **SHORT)
    found = validation(folder)
    (folder / "result.json").unlink()
    evaluated.clear()
    sonde.resume(folder, quiet=True)
    assert evaluated == [2, 1]
    assert validation(folder) == found
