"""Slow steps are noticed and the number of threads asked for again; told by a clock that only the test moves."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from sample_tasks import CPU, Supervised, batch, blobs, mlp, stepper

import sonde
from sonde.engine import thread_tuner as pace_module
from sonde.engine.clock import Clock
from sonde.engine.thread_tuner import ThreadTuner
from sonde.engine.training import Training

DATA = batch(**blobs(4))


class World:
    """A machine with a clock, steps of a given length, and what each number of threads would take."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, timed: dict[int, float]) -> None:
        self.time, self.timed, self.asked = 0.0, timed, 0
        self.said: list[tuple[str, Mapping[str, Any]]] = []
        self.set: list[int] = []
        unused: Any = None
        task = Supervised(mlp(2, 3))
        self.training = Training(task=task, source=unused, stepper=stepper(task), clock=Clock(), device=CPU, threads=2)
        self.tuner = ThreadTuner(
            report=lambda live, name, details: self.said.append((name, details)), now=lambda: self.time
        )
        monkeypatch.setattr(pace_module, "time_threads", self.ask)
        monkeypatch.setattr(pace_module, "most_threads", lambda: 2)
        monkeypatch.setattr(torch, "set_num_threads", self.set.append)

    def ask(self, steps: Any, data: Any, candidates: Any) -> dict[int, float]:
        assert list(candidates) == [1, 2]
        assert steps is self.training.stepper
        self.asked += 1
        self.time += 0.5
        return self.timed

    def run(self, seconds: float, *, step: float, evaluation: float = 0.0) -> None:
        """Train for `seconds` at `step` seconds a step, each followed by so long an evaluation."""
        end = self.time + seconds
        while self.time < end:
            self.time += step + evaluation
            self.training.clock.spent["evaluation"] += evaluation
            self.tuner(self.training, DATA)


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> World:
    """A neighbour has come: one thread would take a tenth of what two do."""
    return World(monkeypatch, {1: 0.02, 2: 0.2})


def test_steady_steps_are_left_alone(busy: World) -> None:
    busy.run(30, step=0.05)
    busy.run(30, step=0.08)  # within SLOWER
    assert (busy.asked, busy.said, busy.training.threads) == (0, [], 2)


def test_slow_steps_change_the_number_of_threads_and_say_so(busy: World) -> None:
    busy.run(10, step=0.01)
    busy.run(5, step=0.2)
    assert busy.asked == 1
    details = {"from": 2, "to": 1, "why": "steps became slow", "milliseconds": {"1": 20.0, "2": 200.0}}
    assert busy.said == [("threads changed", details)]
    assert (busy.training.threads, busy.set) == (1, [1])


def test_when_the_neighbour_leaves_all_cores_are_used_again(busy: World) -> None:
    busy.run(10, step=0.01)
    busy.run(5, step=0.2)
    assert busy.training.threads == 1
    busy.run(10, step=0.02)  # still there: asked again after 5 s, in vain
    assert (busy.asked, busy.training.threads) == (2, 1)
    busy.timed = {1: 0.02, 2: 0.01}
    busy.run(12, step=0.02)
    assert (busy.asked, busy.training.threads, busy.set) == (3, 2, [1, 2])
    assert busy.said[-1][1]["why"] == "the machine is less busy"
    busy.run(1000, step=0.01)
    assert busy.asked == 3  # nobody is in the way any more


def test_a_run_that_began_beside_a_neighbour_asks_whether_he_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {1: 0.02, 2: 0.01})
    world.training.threads = 1
    world.tuner = ThreadTuner(report=lambda live, name, details: None, timed={1: 0.02, 2: 0.2}, now=lambda: world.time)
    world.run(8, step=0.02)
    assert (world.asked, world.training.threads) == (1, 2)


def test_the_new_number_is_compared_with_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    busy = World(monkeypatch, {1: 0.04, 2: 0.05})  # a step of two threads is not so slow that somebody must be there
    busy.run(10, step=0.01)
    busy.run(2, step=0.2)
    busy.run(60, step=0.05)  # five times slower than two threads once were, and as good as it gets now
    assert busy.asked == 1


def test_one_slow_step_among_fast_ones_is_no_reason(busy: World) -> None:
    for _ in range(20):
        busy.run(0.9, step=0.01)
        busy.run(0.1, step=0.3)
    assert busy.asked == 0


def test_evaluation_between_steps_is_not_the_steps_pace(busy: World) -> None:
    busy.run(10, step=0.01)
    busy.run(60, step=0.01, evaluation=2.0)
    assert busy.asked == 0


def test_where_nothing_helps_it_is_asked_ever_more_rarely(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {1: 0.21, 2: 0.2})
    world.run(10, step=0.01)
    world.run(5.5, step=0.2)
    assert world.asked == 1
    world.run(20, step=0.2)
    assert world.asked == 3  # after 5 and 10 more seconds
    world.run(3000, step=0.2)
    assert world.asked <= 3 + 5 + 10
    assert (world.said, world.training.threads) == ([], 2)


def test_a_gain_too_small_to_be_worth_it_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(monkeypatch, {1: 0.18, 2: 0.2})
    world.run(10, step=0.01)
    world.run(4, step=0.2)
    assert (world.asked, world.training.threads) == (1, 2)


def test_a_typed_number_of_threads_is_never_watched(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    made: list[Any] = []

    class Spy(ThreadTuner):
        def __init__(self, **more: Any) -> None:
            made.append(self)
            super().__init__(**more)

    monkeypatch.setattr("sonde.run.train.ThreadTuner", Spy)
    for typed, watches in ((1, 0), (None, 1)):
        sonde.train("digits", model="mlp", steps=2, quiet=True, threads=typed, out=tmp_path / str(typed))
        assert len(made) == watches
