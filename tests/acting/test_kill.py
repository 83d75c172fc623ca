"""Real SIGKILLs of processes that act: at updates, in a rollout, in an evaluation, and wherever a checkpoint is being made.

As in tests/test_kill.py, whose ways of dying these are; what is left must equal an uninterrupted run to the last bit.
"""

import os
import signal
import traceback
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import sonde
from sonde.acting.environments.in_process import InProcess
from sonde.acting.self_play.source import SelfPlay
from sonde.engine import checkpoint
from sonde.engine.json_lines import read_lines
from sonde.engine.tree import same
from sonde.engine.used_memory import KEYS
from tests.test_kill import at_rename, at_step, between_files, die, in_evaluation, in_first_step, in_writer

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")]

SHORT: dict[str, Any] = {
    "threads": 1,
    "quiet": True,
    "seed": 3,
    "steps": 12,
    "episodes": 2,
    "test_episodes": 1,
    "max_episode_steps": 25,
    "log_every": 3,
    "checkpoint_every": "2 steps",
    "evaluate_every": "5 steps",
    "schedule": "linear",
}
RUNS: dict[str, tuple[str, dict[str, Any]]] = {
    "ppo": (
        "gym:CartPole-v1",
        {"task": "ppo", "environments": 2, "rollout": 8, "reuse": 2, "batch_size": 8, "target_kl": 1e-3},
    ),
    "ppo with memory": (
        "gym:Pendulum-v1",
        {"task": "ppo", "model": "policy-gru", "hidden": (4,), "width": 4}
        | {"environments": 4, "rollout": 8, "reuse": 2, "batch_size": 16},
    ),
    "a2c": ("gym:CartPole-v1", {"task": "a2c", "environments": 2, "rollout": 8}),
    "dqn": (
        "gym:CartPole-v1",
        {"task": "dqn", "environments": 2, "batch_size": 8, "warmup_steps": 12, "train_every": 4, "target_every": 5}
        | {"updates_together": 3, "replay": 40, "return_steps": 2}
        | {"priority": 0.6, "atoms": 11, "value_range": (0.0, 20.0), "hidden": (8,)},
    ),
    "sac": (
        "gym:Pendulum-v1",
        {
            "task": "sac",
            "environments": 2,
            "batch_size": 8,
            "warmup_steps": 12,
            "train_every": 4,
            "replay": 40,
            "hidden": (8,),
        },
    ),
    "td3": (
        "gym:Pendulum-v1",
        {
            "task": "td3",
            "environments": 1,
            "batch_size": 8,
            "warmup_steps": 12,
            "train_every": 4,
            "replay": 40,
            "hidden": (8,),
        },
    ),
    "reinforce": ("gym:CartPole-v1", {"task": "reinforce", "environments": 2}),
    "alphazero": (
        "game:connect_four",
        {
            "task": "alphazero",
            "model": "policy-value-resnet",
            "width": 4,
            "layers": 1,
            "environments": 4,
            "batch_size": 16,
        }
        | {
            "simulations": 6,
            "quick_simulations": 3,
            "full_share": 0.5,
            "window": 300,
            "opponents": ("random", "earlier"),
        },
    ),
}
PART = ("progress", "stepper", "source", "task", "random", "buffers", "observers")
TIMES = ("seconds", "elapsed", "environment_seconds", "policy_seconds", "self_play_seconds", "learning_seconds", *KEYS)


def in_the_nth_action(nth: int) -> Callable[[], None]:
    """Die in the middle of a rollout, when environments took so many steps, or games so many moves."""

    def arm() -> None:
        for place, name in ((InProcess, "step"), (SelfPlay, "_move")):
            setattr(place, name, dying(getattr(place, name)))

    def dying(real: Callable[..., Any]) -> Callable[..., Any]:
        count = {"n": 0}

        def step(*given: Any) -> Any:
            count["n"] += 1
            if count["n"] == nth:
                die()
            return real(*given)

        return step

    return arm


WAYS: dict[str, list[Callable[[], None]]] = {
    **{f"step {number}": [at_step(number)] for number in (1, 3, 4, 5, 6, 8, 10, 12)},
    "first step": [in_first_step],
    **{f"action {number}": [in_the_nth_action(number)] for number in (3, 10, 20)},
    "write": [in_writer("write", 1)],
    "rename": [in_writer("rename", 2)],
    "done": [in_writer("done", 3)],
    "file": [between_files(2)],
    "later file": [between_files(5)],
    "rotation": [at_rename(3)],
    "evaluation": [in_evaluation(1)],
    "second evaluation": [in_evaluation(2)],
    "again and again": [in_first_step, at_step(3), in_the_nth_action(3), in_writer("rename", 1), at_step(5)],
}


def child(name: str, out: Path, arm: Callable[[], None] | None = None) -> int:
    """The wait status of a process that trains into `out`."""
    pid = os.fork()
    if pid == 0:
        try:
            if arm is not None:
                arm()
            data, settings = RUNS[name]
            sonde.train(data, out=str(out), **{**SHORT, **settings})
        except BaseException:
            (out.parent / f"{out.name}.trace").write_text(traceback.format_exc())
            os._exit(1)
        os._exit(0)
    return os.waitpid(pid, 0)[1]


def finish(name: str, out: Path) -> None:
    status, trace = child(name, out), out.parent / f"{out.name}.trace"
    assert status == 0, trace.read_text() if trace.exists() else status


def left(out: Path) -> tuple[Any, Any]:
    """Every tensor and decision of the last checkpoint, and every logged number but the seconds."""
    weights, state = checkpoint.read(out / "checkpoints" / "last")
    lines = [line for line in read_lines(out / "metrics.jsonl") if line["kind"] != "event"]
    told = [{name: value for name, value in line.items() if name not in TIMES} for line in lines]
    return {"weights": dict(weights), **{part: state[part] for part in PART}}, told


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Any, Any]]:
    """What an uninterrupted run leaves, of those that are asked for."""
    folder = tmp_path_factory.mktemp("straight")

    @cache
    def of(name: str) -> tuple[Any, Any]:
        finish(name, folder / name)
        return left(folder / name)

    return of


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_was_killed_goes_on_to_the_last_bit(
    name: str, way: str, straight: Callable[[str], tuple[Any, Any]], tmp_path: Path
) -> None:
    for arm in WAYS[way]:
        status = child(name, tmp_path / "run", arm)
        assert os.WIFSIGNALED(status), "the process was meant to die"
        assert os.WTERMSIG(status) == signal.SIGKILL
    finish(name, tmp_path / "run")
    state, lines = left(tmp_path / "run")
    for part, value in straight(name)[0].items():
        assert same(state[part], value), part
    assert lines == straight(name)[1]
