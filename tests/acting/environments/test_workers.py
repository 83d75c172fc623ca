"""Environments in worker processes."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces

import sonde
from sonde.acting.environments.in_process import InProcess
from sonde.acting.environments.making import Making, as_shown
from sonde.acting.environments.training import processes
from sonde.acting.environments.workers import InWorkers
from sonde.core.config_file import read_config
from sonde.core.errors import DataError
from sonde.engine.tree import same
from tests.acting.environments.test_checked import making, stepped
from tests.acting.small_environments import FAULTS, Ending, Faulty, Sharing, Walk, seed_of
from tests.acting.test_resume import last

SHORT: dict[str, Any] = {
    "threads": 1, "quiet": True, "environments": 3, "rollout": 8, "reuse": 2, "batch_size": 12, "episodes": 1,
    "test_episodes": 1, "schedule": "constant", "evaluate_every": "100 steps",
}  # fmt: skip


def of(make: Any, count: int = 3, workers: int = 2, timeout: float = 30.0) -> InWorkers:
    return InWorkers(making(make, timeout), count, workers, seed_of=seed_of)


def alone(make: Any, count: int = 3) -> InProcess:
    return InProcess(making(make), count, encode=as_shown, seed_of=seed_of)


def gone(environments: InWorkers) -> bool:
    return all(worker.process.poll() is not None for worker in environments._workers)


@pytest.mark.parametrize("make", [Walk, Sharing])
def test_what_comes_of_actions_and_the_state_are_those_of_one_process(make: Any) -> None:
    chosen = (
        np.random.default_rng(0).integers(0, 2, (25, 3))
        if make is Walk
        else np.random.default_rng(0).random((25, 3, 1), np.float32)
    )
    one, other = alone(make), of(make)
    np.testing.assert_array_equal(one.reset(), other.reset())
    again = alone(make), of(make, workers=3)
    for step, actions in enumerate(chosen):
        for a, b in zip(one.step(actions)[:5], other.step(actions)[:5], strict=True):
            np.testing.assert_array_equal(a, b)
            assert a.dtype == b.dtype
        if step == 13:
            states = one.state_dict(), other.state_dict()
            for name, values in states[0].items():
                np.testing.assert_array_equal(values, states[1][name])
            shown = again[0].load_state_dict(states[1]), again[1].load_state_dict(states[0])
            np.testing.assert_array_equal(*shown)
        elif step > 13:
            for a, b in zip(again[0].step(actions)[:5], again[1].step(actions)[:5], strict=True):
                np.testing.assert_array_equal(a, b)
    for each in (other, again[1]):
        each.close()
        assert gone(each)


def test_what_was_returned_stays_as_it_was() -> None:
    environments = of(Walk)
    environments.reset()
    first = environments.step(np.zeros(3, np.int64))
    kept = [each.copy() for each in first[:5]]
    environments.step(np.ones(3, np.int64))
    for now, before in zip(first[:5], kept, strict=True):
        np.testing.assert_array_equal(now, before)
    environments.close()


@pytest.mark.parametrize("fault", ["nan", "raises", "old"])
def test_a_fault_in_a_process_is_one_line_that_says_where(fault: str) -> None:
    environments = of(lambda: Faulty(fault, 7))
    environments.reset()
    with pytest.raises(DataError, match=FAULTS[fault][2]) as found:
        stepped(environments, np.ones((7, 3), np.int64))
    told = alone(lambda: Faulty(fault, 7))
    told.reset()
    with pytest.raises(DataError) as same:
        stepped(told, np.ones((7, 3), np.int64))
    assert str(found.value) == str(same.value)
    assert gone(environments)


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("kill", "its process was ended by SIGKILL; where memory ran out, give fewer --environments"),
        ("exit", "its process was ended with exit code 3; mend the environment"),
        ("hang", r"no answer in 0\.5 seconds; --environment-timeout allows longer, 0 any time"),
    ],
)
def test_a_process_that_ends_or_hangs_is_one_line(how: str, told: str) -> None:
    def make() -> Ending:
        env = Ending()
        env.how = how
        return env

    environments = of(make, timeout=0.5)
    environments.reset()
    with pytest.raises(DataError, match=rf"mine: environment 2, seed 200, step 2: {told}"):
        stepped(environments, np.ones((9, 3), np.int64))
    assert gone(environments)


def test_one_that_cannot_be_made_there_is_told() -> None:
    parent = os.getpid()

    class Here(Walk):
        def __init__(self) -> None:
            super().__init__()
            if os.getpid() != parent:
                raise OSError("no licence for a second simulator")

    with pytest.raises(DataError, match="mine: environments 0 to 1: .*no licence for a second simulator"):
        of(Here)


def test_pixels_and_actions_of_several_numbers() -> None:
    class Painted(Walk):
        def __init__(self) -> None:
            super().__init__()
            self.observation_space = spaces.Box(0, 255, (2, 2, 3), np.uint8)
            self.action_space = spaces.Box(-1, 1, (2,), np.float32)

        def reset(self, *, seed: Any = None, options: Any = None) -> Any:
            super().reset(seed=seed)
            return np.full((2, 2, 3), seed, np.uint8), {}

        def step(self, action: Any) -> Any:
            return np.full((2, 2, 3), 100 * action[1], np.uint8), float(action[0]), False, False, {}

    whole = making(Painted)
    made = Making(make=Painted, encode=whole.encode, shape=whole.shape, name="mine", dtype="uint8")
    environments = InWorkers(made, 2, 2, seed_of=seed_of)
    assert environments.reset()[:, 0, 0, 0].tolist() == [0, 100]
    found = environments.step(np.array([[0.5, 0.25], [-0.5, 0.75]], np.float32))
    assert (found.reward.tolist(), found.following[:, 0, 0, 0].tolist()) == ([0.5, -0.5], [25, 75])
    environments.close()


def test_processes_import_from_the_folder_of_the_run_as_the_run_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `sonde train env:shop_of_mine:Shop` in the folder of shop_of_mine.py; a command's own path has no such folder."""
    (tmp_path / "shop_of_mine.py").write_text(
        "from tests.acting.small_environments import Corridor\n\n\nclass Shop(Corridor):\n    pass\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [each for each in sys.path if each])
    run = sonde.train("env:shop_of_mine:Shop", out=tmp_path / "run", workers=2, **SHORT, steps=2)
    assert run.metrics["return"] == 3.0


def test_a_run_may_go_on_with_another_number_of_processes(tmp_path: Path) -> None:
    sonde.train("gym:CartPole-v1", out=tmp_path / "straight", workers=0, **SHORT, steps=13)
    sonde.train("gym:CartPole-v1", out=tmp_path / "stopped", workers=2, **SHORT, steps=6)
    sonde.resume(tmp_path / "stopped", workers=3, environment_timeout=7.0, steps=13)
    assert read_config(tmp_path / "stopped" / "config.yaml").settings["environment_timeout"] == 7.0
    assert same(last(tmp_path / "straight"), last(tmp_path / "stopped"))
    lines = json.loads((tmp_path / "stopped" / "plan.json").read_text())["lines"]
    assert "3 environments in 3 worker processes (--workers 3)" in lines


@pytest.mark.parametrize(
    ("typed", "step", "cores", "workers"),
    [
        (None, (1e-5, 1.0), 8, 0),
        (None, (1e-3, 1.0), 8, 8),
        (None, (1e-3, 1.0), 4, 4),
        (None, (1e-3, 0.9), 4, 4),
        (None, (1e-3, 0.5), 2, 4),
        (None, (1e-3, 0.0), 1, 8),
        (None, (1.0, 1.0), 1, 0),
        (0, (1.0, 0.0), 8, 0),
        (3, (1e-5, 1.0), 1, 3),
    ],
)
def test_processes_are_chosen_where_steps_are_slow(
    typed: int | None, step: tuple[float, float], cores: int, workers: int
) -> None:
    found, said = processes(typed, 8, step=step, cores=cores)
    assert (found, bool(said)) == (workers, bool(workers))
