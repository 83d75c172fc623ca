"""Episodes without an end: told before training, the run is kept where an evaluation meets with one, and goes on with a limit."""

from pathlib import Path
from typing import Any

import gymnasium
import pytest

import sonde
from sonde.acting.environments import endless, survey
from sonde.acting.environments.checked import Checked
from sonde.acting.evaluation import episodes
from sonde.core.config_file import read_config
from sonde.core.errors import DataError
from sonde.core.files import read_json
from sonde.core.findings import Finding
from sonde.diagnose.doctor import Doctor
from sonde.diagnose.rules import experience
from sonde.diagnose.suspicion import Suspicion
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from tests.acting.small_environments import Corridor, Walk, Wander

GIVEN: dict[str, Any] = {
    "task": "ppo", "environments": 2, "rollout": 8, "reuse": 1, "batch_size": 16, "episodes": 2, "test_episodes": 3,
    "threads": 1, "quiet": True, "doctor": False, "films": False, "steps": 6,
}  # fmt: skip


def findings_of(folder: Path) -> dict[str, dict[str, Any]]:
    return {line["name"]: line for line in read_lines(folder / "findings.jsonl")}


def test_the_run_is_kept_and_goes_on_with_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episodes, "LONGEST", 50)
    with pytest.raises(DataError, match="goes on after 50 steps .* up to step 4 is saved: resume with: .*") as met:
        sonde.train(
            "env:tests.acting.small_environments:Wander", out=tmp_path / "run", evaluate_every="4 steps", **GIVEN
        )
    assert met.value.command_line.endswith(f"sonde resume {tmp_path / 'run'} --max-episode-steps 1000")
    assert checkpoint.read(tmp_path / "run" / "checkpoints" / "last")[1]["progress"]["step"] == 4
    assert "episodes-never-end" in findings_of(tmp_path / "run")

    run = sonde.resume(tmp_path / "run", max_episode_steps=20)
    assert run.result["metrics"]["test"]["length"] == 20
    assert [line["step"] for line in read_lines(run.folder / "metrics.jsonl") if line["kind"] == "evaluation"] == [4, 6]
    told = findings_of(run.folder)["evaluated-otherwise"]
    assert "--max-episode-steps 20 (before: none)" in told["evidence"]
    assert "episodes-never-end" not in findings_of(run.folder)
    assert "was not over after" not in (run.folder / "report.html").read_text()
    assert read_config(run.folder / "config.yaml").settings["max_episode_steps"] == 20


def test_the_end_of_a_run_that_meets_with_one_goes_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episodes, "LONGEST", 50)
    with monkeypatch.context() as patched:  # the test alone goes on for too long
        patched.setattr("sonde.run.train.validate", lambda *_: {"return": 1.0, "length": 1.0})
        with pytest.raises(DataError, match="up to step 6 is saved: resume with"):
            sonde.train("env:tests.acting.small_environments:Wander", out=tmp_path / "run", **GIVEN)
    run = sonde.resume(tmp_path / "run", max_episode_steps=20)
    assert run.result["metrics"]["test"]["length"] == 20
    assert run.result["best"]["step"] == 6


def test_what_was_best_by_other_episodes_is_not_compared_with(tmp_path: Path) -> None:
    """A walk down a corridor earns 1 a step: of 9 steps it returns more than of 4, and the best is one of 4 all the same."""
    name = "env:tests.acting.test_endless:Long"
    sonde.train(name, out=tmp_path / "run", evaluate_every="2 steps", **GIVEN)
    run = sonde.resume(tmp_path / "run", steps=10, max_episode_steps=4)
    assert run.result["best"]["value"] == 4
    assert read_json(run.folder / "result.json")["metrics"]["test"]["return"] == 4


def test_what_a_resume_has_mended_is_not_said_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That no episode ended was so before the limit that the finding named."""
    monkeypatch.setattr(episodes, "LONGEST", 50)
    monkeypatch.setattr(experience, "ENDLESS", 10)
    monkeypatch.setattr(experience, "NO_END", 10)
    given = {**GIVEN, "doctor": True, "log_every": 1, "evaluate_every": "4 steps"}
    with pytest.raises(DataError):
        sonde.train("env:tests.acting.small_environments:Wander", out=tmp_path / "run", **given)
    assert findings_of(tmp_path / "run")["episodes-never-end"]["evidence"].startswith("no episode has ended in")
    run = sonde.resume(tmp_path / "run", max_episode_steps=5, steps=12)
    assert run.result["experience"]["episodes"] > 0
    assert "episodes-never-end" not in findings_of(run.folder)
    assert "no episode has ended" not in (run.folder / "report.html").read_text()


def test_a_first_episode_that_takes_long_is_no_endless_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was said of it is taken back once it is over."""
    monkeypatch.setattr(experience, "ENDLESS", 5)
    monkeypatch.setattr(experience, "NO_END", 5)
    said: list[str] = []
    tell = Doctor._finding

    def told(doctor: Doctor, suspicion: Suspicion) -> Finding:
        said.append(suspicion.name)
        return tell(doctor, suspicion)

    monkeypatch.setattr(Doctor, "_finding", told)
    given = {**GIVEN, "doctor": True, "log_every": 1, "evaluate_every": "1 steps"}
    run = sonde.train("env:tests.acting.test_endless:Long", out=tmp_path / "run", **given)
    assert "episodes-never-end" in said
    assert "episodes-never-end" not in findings_of(run.folder)
    assert "episodes-never-end" not in {each.name for each in sonde.doctor(run.folder).findings}


class Long(Corridor):
    def __init__(self) -> None:
        super().__init__(9)


def test_it_is_told_of_before_training_where_nothing_cuts_episodes_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endless, "FEW", 100)
    monkeypatch.setattr(endless, "LONG", 200)

    def said(env: gymnasium.Env[Any, Any]) -> str:
        return endless.endless(Checked(env, lambda seen: seen, shape=(1,), name="it"))

    assert said(Wander()).startswith("an episode of random actions was not over after 200 steps")
    assert said(gymnasium.wrappers.TimeLimit(Wander(), 5_000)) == ""
    assert said(Walk()) == ""
    assert survey.FIRST_SEED > 2_000_000  # none of validation or test


def test_a_limit_is_known_wherever_it_stands() -> None:
    limited = gymnasium.wrappers.TimeLimit(Wander(), 7)
    assert endless.limit_of(limited) == 7
    assert endless.limit_of(gymnasium.wrappers.ClipReward(limited, 0, 1)) == 7
    assert endless.limit_of(Checked(limited, lambda seen: seen, shape=(1,), name="it")) == 7
    assert endless.limit_of(gymnasium.make("CartPole-v1")) == 500
    assert endless.limit_of(Wander()) is None


def test_an_environment_that_is_put_back_heeds_the_limit_of_now() -> None:
    before = Checked(Wander(), lambda seen: seen, shape=(1,), name="it")
    before.reset(seed=1)
    for _ in range(5):
        before.step(0)
    now = Checked(gymnasium.wrappers.TimeLimit(Wander(), 3), lambda seen: seen, shape=(1,), name="it", longest=3)
    now.unpack(before.pack())
    assert now.step(0)[2:4] == (False, True)
