"""Seconds add up, part by part, over all sittings."""

import subprocess
import sys
import time

import pytest

from sonde.engine import clock as clock_module
from sonde.engine.clock import PARTS, Clock, call_began, loaded


class Hands:
    """A clock's hands, moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    made = Hands()
    monkeypatch.setattr(clock_module.time, "perf_counter", made)
    return made


def test_what_no_part_claims_is_other(hands: Hands) -> None:
    clock = Clock()
    for name, seconds in (("evaluation", 2.0), ("checkpoint", 0.5), ("evaluation", 1.0)):
        with clock.part(name):  # type: ignore[arg-type]
            hands.now += seconds
        hands.now += 1.0
    assert clock.spent["evaluation"] == 3.0
    expected = {**dict.fromkeys(PARTS, 0.0), "total": 6.5, "evaluation": 3.0, "checkpoint": 0.5, "other": 3.0}
    assert clock.summary() == expected


def test_a_part_that_fails_is_charged_too(hands: Hands) -> None:
    clock = Clock()

    def fail() -> None:
        with clock.part("step"):
            hands.now += 4.0
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert clock.spent["step"] == 4.0


def test_the_time_between_two_sittings_is_left_out(hands: Hands) -> None:
    first = Clock()
    hands.now += 10.0
    first.spent["step"] += 7.0
    saved = first.state_dict()
    hands.now += 86_400.0
    second = Clock()
    hands.now += 5.0  # what a fresh process does until it has read the checkpoint
    second.load_state_dict(saved)
    hands.now += 1.0
    assert second.elapsed() == 11.0
    assert second.spent == {**dict.fromkeys(PARTS, 0.0), "step": 7.0}
    hands.now += 1.0
    assert second.state_dict()["elapsed"] == 12.0
    second.spent["step"] += 1.0
    assert saved["spent"]["step"] == 7.0  # what was saved does not move


def test_real_seconds_pass() -> None:
    clock = Clock()
    with clock.part("input"):
        time.sleep(0.02)
    assert 0.02 <= clock.spent["input"] <= clock.elapsed() < 5


def test_a_run_may_have_begun_before_its_clock(hands: Hands) -> None:
    clock = Clock(begun=hands.now - 3.0)
    hands.now += 1.0
    assert clock.elapsed() == 4.0
    assert clock.summary()["startup"] == 3.0
    assert Clock().spent["startup"] == 0.0


def test_loading_belongs_to_the_first_call_that_comes_right_after_it(hands: Hands) -> None:
    began = hands.now
    hands.now += 8.0
    loaded(began, 0.0)
    hands.now += 0.5
    assert call_began() == began
    assert call_began() is None
    loaded(began, 0.0)
    hands.now += 2.0  # something else was done first
    assert call_began() is None


def test_a_call_from_python_counts_loading_as_a_command_does() -> None:
    code = "import sonde, sonde.engine.clock as clock, time; began = time.perf_counter(); sonde.train; "
    code += "print(time.perf_counter() - began - (time.perf_counter() - clock.call_began()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert abs(float(done.stdout)) < 0.2


def test_a_process_knows_its_age() -> None:
    code = "import time; time.sleep(0.5); from sonde.engine.clock import process_began; "
    code += "print(time.perf_counter() - process_began())"
    begun = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 0.5 <= float(done.stdout) <= time.perf_counter() - begun + 0.05


def test_what_a_source_counts_is_told_apart_of_the_input_also_after_a_resume(monkeypatch) -> None:
    seconds = {"environment": 5.0, "policy": 1.0}  # some of them before it was followed
    clock = Clock()
    clock.follow(seconds)
    clock.spent["input"] += 4.0
    seconds["environment"] += 2.5
    again = Clock()
    other = {"environment": 7.0, "policy": 0.0}
    again.follow(other)
    other["environment"] += 9.0  # environments that are put back
    again.load_state_dict(clock.state_dict())
    again.spent["input"] += 1.0
    other["policy"] += 0.5
    found = again.summary()
    assert (found["environment"], found["policy"], found["input"]) == (2.5, 0.5, 2.0)
