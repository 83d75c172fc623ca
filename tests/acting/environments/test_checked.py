"""Environments whose answers are checked."""

import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sonde
from sonde.acting.environments.in_process import InProcess
from sonde.acting.environments.making import Making, as_shown
from sonde.core.acting import Environments
from sonde.core.errors import DataError
from sonde.engine.tree import same
from sonde.modalities.environment.spaces import observations
from tests.acting.small_environments import FAULTS, Corridor, Faulty, Sharing
from tests.acting.test_resume import last

STEPS = 1_000  # that are fuzzed, of all faults together


def making(make, timeout: float = 0.0) -> Making:
    seen = observations(make().observation_space, "mine")
    return Making(make=make, encode=seen.encode, shape=seen.spec.shape, name="mine", timeout=timeout)


def of(make, count: int = 3) -> InProcess:
    return InProcess(making(make), count, encode=as_shown, seed_of=lambda a, b: 100 * a + b)


def stepped(environments: Environments, actions: np.ndarray) -> None:
    for each in actions:
        environments.step(each)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_line_that_says_where(fault: str) -> None:
    """Of 1,000 steps and resets in all, each of which may be the one that is wrong."""
    random = np.random.default_rng(list(FAULTS).index(fault))
    for at in random.integers(1, 2 * STEPS // len(FAULTS), 3).tolist():
        environments = of(lambda at=at: Faulty(fault, at))
        environments.reset()
        with pytest.raises(DataError, match=FAULTS[fault][2]) as found:
            stepped(environments, random.integers(0, 2, (at, 3)))
        told = environments.envs[0]
        assert str(found.value).startswith(f"mine: environment 0, seed {told.seed}, step {told.steps}: ")
        assert "\n" not in str(found.value)


def test_resets_that_are_wrong_are_told() -> None:
    class Old(Corridor):
        def reset(self, *, seed: Any = None, options: Any = None) -> Any:
            return super().reset(seed=seed)[0]

    class Unseeded(Corridor):
        def reset(self) -> Any:  # type: ignore[override]  # of the old gym
            return self._shown(), {}

    with pytest.raises(
        DataError, match=r"seed 0, step 0: reset returned an array .*; return a tuple of observation and info"
    ):
        of(Old).reset()
    with pytest.raises(DataError, match=r"reset takes no seed; give it gymnasium's parameters"):
        of(Unseeded).reset()


def test_what_stands_for_a_number_or_a_truth_is_taken() -> None:
    class Loose(Corridor):
        def step(self, action: Any) -> Any:
            shown, _, over, cut, info = super().step(action)
            return shown.tolist(), np.array([2], np.int64), np.bool_(over), int(cut), info

    environments = of(Loose, 1)
    environments.reset()
    found = environments.step(np.array([0]))
    assert (found.reward.tolist(), found.following.tolist(), found.ended.any()) == ([2.0], [[0, 1, 0, 0]], False)


def test_bytes_that_are_shares_of_1_are_refused() -> None:
    from gymnasium import spaces

    encode = observations(spaces.Box(0, 255, (2, 2, 3), np.uint8), "mine").encode
    with pytest.raises(ValueError, match="float64 and not uint8"):
        encode(np.full((2, 2, 3), 0.5))
    assert encode(np.full((2, 2, 3), 7)).dtype == np.uint8


def test_arrays_that_are_written_to_afterwards_change_nothing() -> None:
    """Environments that share one array for all they show, and write to the actions that they are given."""
    environments = of(Sharing)
    assert environments.reset().tolist() == [[0, 0], [100, 0], [200, 0]]
    actions = np.array([[0.1], [0.2], [0.3]], np.float32)
    first = environments.step(actions)
    kept = [each.copy() for each in first[:5]]
    np.testing.assert_allclose(first.following, [[1, 0.1], [1, 0.2], [1, 0.3]])
    np.testing.assert_allclose(actions, [[0.1], [0.2], [0.3]])
    environments.step(-actions)
    for now, before in zip(first[:5], kept, strict=True):
        np.testing.assert_array_equal(now, before)
    np.testing.assert_allclose(environments.state_dict()["actions"][:, 0], [0.1, -0.1, 0.2, -0.2, 0.3, -0.3])
    last = environments.step(actions)
    assert last.observation.tolist() == [[1, 0], [101, 0], [201, 0]]
    np.testing.assert_allclose(last.following, [[3, 0.1], [3, 0.2], [3, 0.3]])
    again = of(Sharing)
    environments.step(actions)
    actions[:] = 7
    again.load_state_dict(environments.state_dict())


@pytest.fixture
def alarm():
    """Without pytest's own use of the signal."""
    before = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGALRM, before)


@pytest.mark.usefixtures("alarm")
def test_a_step_that_hangs_is_ended() -> None:
    class Hanging(Corridor):
        def step(self, action: Any) -> Any:
            try:
                while True:
                    time.sleep(10)
            except Exception:  # as code that tries again whatever happens
                pass

    environments = InProcess(making(Hanging, timeout=0.3), 2, encode=as_shown, seed_of=lambda a, b: 7)
    environments.reset()
    with pytest.raises(
        DataError, match=r"environment 0, seed 7, step 1: no answer in 0\.3 seconds; --environment-timeout"
    ):
        environments.step(np.array([0, 0]))


def test_a_run_whose_environment_breaks_keeps_its_checkpoint_and_goes_on_once_it_is_mended(tmp_path: Path) -> None:
    """To the very weights of a run in which nothing broke."""
    broken = [False]

    class Fragile(Corridor):
        steps = 0

        def step(self, action: Any) -> Any:
            Fragile.steps += 1
            if broken[0] and Fragile.steps > 350:  # some 220 of them before training
                raise OSError("the simulator is gone")
            return super().step(action)

    settings: dict[str, Any] = {
        "threads": 1, "quiet": True, "environments": 2, "rollout": 8, "reuse": 2, "batch_size": 8, "episodes": 1,
        "test_episodes": 1, "schedule": "constant", "evaluate_every": "100 steps", "checkpoint_every": "2 steps", "steps": 60,
    }  # fmt: skip
    sonde.train(Fragile, out=tmp_path / "straight", **settings)
    broken[0], Fragile.steps = True, 0
    with pytest.raises(
        DataError, match=r"Fragile: environment \d, seed \d+, step \d: .* OSError: the simulator is gone"
    ):
        sonde.train(Fragile, out=tmp_path / "broken", **settings)
    assert (tmp_path / "broken" / "checkpoints" / "last").exists()
    broken[0] = False
    sonde.resume(tmp_path / "broken", data=Fragile, quiet=True, threads=1)
    assert same(last(tmp_path / "straight"), last(tmp_path / "broken"))
