"""A stop or the end of the time is heeded within a rollout, a warm-up, self-play and an evaluation, and nothing is lost by it."""

import os
import signal
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import sonde
from sonde.acting.environments.in_process import InProcess
from sonde.acting.evaluation.episodes import Episodes
from sonde.acting.self_play.search.tree import Forest
from sonde.core.errors import Interrupted, TimeOver
from sonde.core.files import read_json
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from sonde.engine.tree import same
from tests.acting.small_environments import Wander
from tests.acting.test_resume import RUNS, SHORT, last

NOTHING_SHOWN: dict[str, Any] = {"threads": 1, "quiet": True, "doctor": False, "films": False}


def at_call(number: int, of: type, name: str, monkeypatch: pytest.MonkeyPatch, do: Callable[[], None]) -> None:
    """Do something in the middle of a method, when it is called for the nth time from now on."""
    real, calls = getattr(of, name), {"n": 0}

    def counted(*given: Any) -> Any:
        calls["n"] += 1
        if calls["n"] == number:
            do()
        return real(*given)

    monkeypatch.setattr(of, name, counted)


def terminated() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


PLACES: dict[str, list[int]] = {
    # calls at which a stop is asked for: of steps of the environments, of a search's simulations for alphazero. The first of a
    # run are those of its preview: 4, of replays as many as a transition goes over more, of reinforce a whole update's
    "ppo": [4 + 3, 4 + 8 + 6],
    "ppo with memory": [4 + 8 + 5],
    "a2c": [4 + 4 + 2],
    "reinforce": [150, 400],
    "dqn": [7 + 3, 7 + 10 + 4],
    "sac": [5 + 15, 5 + 40 + 7],
    "alphazero": [10, 150],
}


def settings_of(task: str) -> tuple[str, dict[str, Any]]:
    name, settings = RUNS[task]
    given = {**SHORT, "task": task.split()[0], "doctor": False, **settings, "evaluate_every": "9 steps", "steps": 13}
    if name.startswith("game:"):
        del given["films"]
    return name, given


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a run that was not stopped."""
    folder = tmp_path_factory.mktemp("straight")

    @cache
    def of(task: str) -> Path:
        name, given = settings_of(task)
        sonde.train(name, out=folder / task, **given)
        return folder / task

    return of


@pytest.mark.parametrize(("task", "nth"), [(task, nth) for task, places in PLACES.items() for nth in places])
def test_what_was_made_of_a_batch_when_a_run_was_stopped_is_gone_on_with(
    task: str, nth: int, straight: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, given = settings_of(task)
    with monkeypatch.context() as patched:
        at_call(nth, *((Forest, "simulate") if task == "alphazero" else (InProcess, "step")), patched, terminated)
        with pytest.raises(Interrupted) as stopped:
            sonde.train(name, out=tmp_path / "run", **given)
    assert stopped.value.exit_code == 128 + signal.SIGTERM
    if task in ("ppo", "a2c", "reinforce"):
        assert "part" in checkpoint.read(tmp_path / "run" / "checkpoints" / "last")[1]["source"]["collector"]
    sonde.resume(tmp_path / "run")
    assert same(last(straight(task)), last(tmp_path / "run"))
    assert metrics_of(straight(task)) == metrics_of(tmp_path / "run")


def metrics_of(folder: Path) -> list[Any]:
    return [line["metrics"] for line in read_lines(folder / "metrics.jsonl") if line["kind"] == "evaluation"]


def test_a_rollout_is_kept_as_far_as_it_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, settings = RUNS["ppo"]
    given: dict[str, Any] = {**SHORT, "task": "ppo", **settings, "steps": 17}
    at_call(4 + 11, InProcess, "step", monkeypatch, terminated)  # of which the planning takes 4
    with pytest.raises(Interrupted):
        sonde.train(name, out=tmp_path / "run", **given)
    state = checkpoint.read(tmp_path / "run" / "checkpoints" / "last")[1]
    assert state["progress"]["step"] == 4  # two passes of two batches over the first rollout
    assert state["source"]["collector"]["part"]["reward"].shape == (3, 2)


class Slow(gymnasium.Env[np.ndarray, Any]):
    """So many seconds for each step, `length` of them in an episode."""

    length, seconds = 20, 0.02

    def __init__(self) -> None:
        self.observation_space = gymnasium.spaces.Box(-1, 1, (2,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(2)
        self._steps = 0

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict[str, Any]]:
        super().reset(seed=seed)
        self._steps = 0
        return self.np_random.uniform(-1, 1, 2).astype(np.float32), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        time.sleep(self.seconds)
        self._steps += 1
        shown = self.np_random.uniform(-1, 1, 2).astype(np.float32)
        return shown, float(action), self._steps == self.length, False, {}


class Quicker(Slow):
    seconds = 0.001


class Endless(Slow):
    length = 1_000_000


@pytest.mark.parametrize("task", ["dqn", "ppo", "reinforce"])
def test_a_limit_that_is_over_before_the_first_update_is_an_error_and_what_was_collected_is_kept(
    task: str, tmp_path: Path
) -> None:
    given: dict[str, Any] = {**NOTHING_SHOWN, "environments": 1, "episodes": 1, "test_episodes": 1, "task": task}
    more: dict[str, Any] = {"dqn": {"warmup_steps": 1000}, "ppo": {"rollout": 1000, "batch_size": 50}, "reinforce": {}}[
        task
    ]
    env, begun = Slow if task != "reinforce" else Endless, time.perf_counter()
    with pytest.raises(TimeOver, match="before the first update: .* steps of the environments .* resume the run"):
        sonde.train(env, out=tmp_path / "run", time_limit="2s", **given, **more)
    assert time.perf_counter() - begun < 2 + 8  # a loaded machine is slow to plan
    state = checkpoint.read(tmp_path / "run" / "checkpoints" / "last")[1]
    assert state["progress"]["step"] == 0
    source = state["source"]
    assert (source["ring"]["written"] if task == "dqn" else len(source["collector"]["part"]["reward"])) > 5
    plan = read_json(tmp_path / "run" / "plan.json")
    assert (
        plan["steps_why"].startswith("perhaps not one step: the first batch is expected after ") or task == "reinforce"
    )


def test_an_evaluation_says_on_how_many_whole_episodes_it_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A test of 400 episodes of 20 steps of a millisecond takes 8 s."""
    given: dict[str, Any] = {**NOTHING_SHOWN, "quiet": False, "task": "ppo", "environments": 1, "rollout": 4}
    run = sonde.train(
        Quicker, out=tmp_path / "run", time_limit="4s", episodes=1, batch_size=4, reuse=1, test_episodes=400, steps=10,
        **given,
    )  # fmt: skip
    part = run.result["evaluated"]["test"]
    assert part["of"] == 400
    assert 0 < part["rows"] < 400
    findings = {line["name"]: line["evidence"] for line in read_lines(run.folder / "findings.jsonl")}
    assert f"test on {part['rows']} of 400 episodes: the time limit" in findings["partial-evaluation"]
    assert f"on {part['rows']} of 400 episodes" in capsys.readouterr().out


def test_without_one_whole_episode_there_is_no_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given: dict[str, Any] = {**NOTHING_SHOWN, "quiet": False, "task": "ppo", "environments": 1, "rollout": 4}
    run = sonde.train(
        Endless, out=tmp_path / "run", time_limit="5s", episodes=2, batch_size=4, reuse=1, test_episodes=2,
        steps=10, **given,
    )  # fmt: skip
    assert set(run.result["metrics"]) == {"train"}
    assert {split: part["rows"] for split, part in run.result["evaluated"].items()} == {"validation": 0, "test": 0}
    told = [
        line["evidence"] for line in read_lines(run.folder / "findings.jsonl") if line["name"] == "nothing-evaluated"
    ]
    cut = "test: not one of 2 episodes was over when the time limit cut the evaluation short"
    left_out = "test was left out: validation had come to nothing"  # by how much time a busy machine has left for it
    assert any(cut in one or left_out in one for one in told)
    out = capsys.readouterr().out
    assert "not evaluated: no episode has ended within the time limit; max_episode_steps=1000 cuts episodes off" in out
    assert (run.folder / "report.html").exists()


def test_a_stop_is_heeded_within_the_episodes_of_an_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An episode without an end, in the validation and in the test: a second run goes on with it."""
    given: dict[str, Any] = {**NOTHING_SHOWN, "task": "a2c", "environments": 1, "rollout": 4, "episodes": 1}
    real, calls = Episodes._played, {"n": 0}

    def played(self: Episodes, *more: Any) -> Any:
        calls["n"] += 1
        signal.signal(signal.SIGALRM, lambda *_: terminated())
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        return real(self, *more)

    before = signal.getsignal(signal.SIGALRM)
    monkeypatch.setattr(Episodes, "_played", played)
    try:
        with pytest.raises(Interrupted, match="stopped at step 3"):
            sonde.train(Wander, out=tmp_path / "run", steps=3, test_episodes=1, environment_timeout=0, **given)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert calls["n"] == 1
    assert checkpoint.read(tmp_path / "run" / "checkpoints" / "last")[1]["progress"]["evaluated_at"] == -1
