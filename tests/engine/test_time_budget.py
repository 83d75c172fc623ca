"""The end of a run under a time limit follows its pace, told by a clock that only the test moves."""

import random
from itertools import pairwise
from typing import Any

import pytest
from sample_tasks import CPU, Supervised, mlp, stepper

from sonde.core.pace import Pace
from sonde.engine.clock import Clock
from sonde.engine.deadline import Deadline
from sonde.engine.due import FitSettings, time_over
from sonde.engine.time_budget import FEWEST, SHARES, SPARE, TimeBudget
from sonde.engine.training import Training


class Told(Clock):
    """A clock that is set."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds = 0.0

    def elapsed(self) -> float:
        return self.seconds


def hundred_seconds() -> Deadline:
    return Deadline(100.0, wanted_s=0.0, since_s=0.0)


class World:
    """A run of 100 s that was planned to take 100 steps, one a second."""

    def __init__(self) -> None:
        unused: Any = None
        task = Supervised(mlp(2, 3))
        self.clock = Told()
        self.training = Training(task=task, source=unused, stepper=stepper(task), clock=self.clock, device=CPU)
        self.moved: list[tuple[int, int]] = []  # step, new end
        self.budget = TimeBudget(hundred_seconds(), self.clock, planned=100, move=self.move)

    def move(self, training: Training, end: int, step_s: float) -> None:
        training.progress.ends_at = end
        self.moved.append((training.progress.step, end))
        self.step_s = step_s

    def run(self, steps: int, seconds: float, *, evaluation: float = 0.0) -> None:
        for _ in range(steps):
            self.clock.seconds += seconds + evaluation
            self.clock.spent["evaluation"] += evaluation
            self.training.progress.step += 1
            self.budget(self.training)


def test_a_pace_as_planned_leaves_the_end_alone() -> None:
    world = World()
    world.run(99, 1.0)
    assert world.moved == []
    assert world.training.progress.ends_asked == len(SHARES)


@pytest.mark.parametrize(("pace", "fit"), [(0.5, 200), (2.0, 50)])
def test_another_pace_moves_the_end_to_where_the_time_is_used(pace: float, fit: int) -> None:
    world = World()
    world.run(int(97 / pace), pace)
    assert world.moved
    assert all(abs(end - fit) <= max(2, SPARE * fit + 1) for _, end in world.moved)
    assert world.step_s == pytest.approx(pace)


def test_a_machine_that_changes_is_followed() -> None:
    world = World()
    world.run(40, 1.0)
    world.run(120, 0.5)
    assert world.moved[0][0] > 40
    assert world.training.progress.ends_at == pytest.approx(160, abs=4)


def test_what_judging_takes_is_left_room_for() -> None:
    world = World()
    world.run(60, 0.5, evaluation=0.5)  # as planned, though a step alone takes half
    assert world.moved == []


def test_a_pace_needs_some_steps_and_is_asked_once_a_share() -> None:
    world = World()
    world.run(FEWEST, 3.0)  # past the first share, with one step too few behind it
    assert world.training.progress.ends_asked == 0
    world.run(1, 3.0)
    assert (world.training.progress.ends_asked, len(world.moved)) == (2, 1)
    before = list(world.moved)
    world.budget(world.training)
    assert world.moved == before


def test_a_resumed_run_asks_no_second_time() -> None:
    world = World()
    world.run(20, 2.0)
    again = World()
    again.training.progress, again.clock.seconds = world.training.progress, world.clock.seconds
    again.run(2, 2.0)
    assert again.moved == []


def test_a_plan_that_is_far_too_short_is_mended_before_it_ends() -> None:
    world = World()
    world.run(40, 0.05)  # 2 s for 40 of the 100 steps: the first share of the time would be asked for after them all
    assert world.moved == []
    world.run(11, 0.05)
    (step, end), *_ = world.moved
    assert step == 50
    assert end == pytest.approx(2000, rel=0.05)
    assert world.training.progress.half_asked == 100


def test_a_pace_that_wavers_near_the_end_is_not_asked_at_every_turn() -> None:
    """Steps of 30 to 70 ms, about 2,000 of which fit: four of them are no measure to move the end by again and again."""
    drawn, world = random.Random(0), World()
    while world.training.progress.step < (world.training.progress.ends_at or 100):
        world.run(1, 0.05 * drawn.uniform(0.6, 1.4))
    late = [step for step, _ in world.moved if step > world.training.progress.ends_at // 2]
    assert world.training.progress.ends_at == pytest.approx(2000, rel=0.1)
    assert all(after - before > 10 * FEWEST for before, after in pairwise(late))


def test_a_plan_of_one_long_step_goes_on_while_there_is_time() -> None:
    world = World()
    world.budget = TimeBudget(hundred_seconds(), world.clock, planned=1, move=world.move)
    world.run(1, 30.0)
    assert world.moved == [(1, 3)]
    world.run(2, 30.0)
    assert world.training.progress.ends_at == 3  # what is left is no whole step


def test_another_length_is_never_passed() -> None:
    world = World()
    world.budget = TimeBudget(hundred_seconds(), world.clock, planned=100, move=world.move, latest=lambda progress: 120)
    world.run(60, 0.5)
    assert {end for _, end in world.moved} == {120}


class Bursts:
    """A source that takes 12 s to make 40 batches at once, each of which is learned from in a tenth of a second."""

    burst_s, per = 12.0, 40

    def __init__(self, world: World) -> None:
        self._progress = world.training.progress

    def pace(self) -> Pace:
        here = -self._progress.step % self.per
        return Pace(burst_s=self.burst_s, first_s=self.burst_s, here=here, per=self.per)


def test_batches_that_come_in_bursts_are_counted_by_the_bursts_that_still_fit() -> None:
    """100 s hold six bursts of 16 s with 240 steps, and of the last 4 s nothing: whenever that is asked, 240 is the end."""
    world = World()
    world.training.source = Bursts(world)  # type: ignore[assignment]
    for step in range(240):
        if step % 40 == 0:
            world.clock.seconds += 12.0
            world.clock.spent["input"] += 12.0
        world.run(1, 0.1)
    assert world.moved
    assert {end for _, end in world.moved} == {240}
    assert world.clock.seconds == pytest.approx(96.0)


def test_what_is_left_after_a_late_first_update_is_learned_in() -> None:
    """Games that end together after 92 of 100 s come to many batches, of which one was planned."""
    world = World()
    world.training.source = Bursts(world)  # type: ignore[assignment]
    world.budget = TimeBudget(hundred_seconds(), world.clock, planned=1, move=world.move)
    world.clock.seconds, world.clock.spent["input"] = 92.0, 92.0
    world.run(1, 0.1)
    assert world.training.progress.ends_at == 40


def test_the_first_update_divides_what_is_left_anew() -> None:
    world, deadline = World(), Deadline(100.0, wanted_s=60.0, since_s=10.0)
    assert deadline.training_s == 64.0
    world.budget = TimeBudget(deadline, world.clock, planned=1, move=world.move)
    world.run(1, 60.0)
    assert deadline.training_s == 84.0
    world.run(1, 5.0)
    assert deadline.training_s == 84.0


def test_the_first_update_may_take_what_was_kept_for_evaluations() -> None:
    world = World()
    settings = FitSettings(stop=100, deadline=Deadline(100.0, wanted_s=30.0, since_s=0.0, floor_s=1.0))
    world.clock.seconds = 80.0
    assert not time_over(world.training, settings, 0.0)
    world.training.progress.step = 1
    assert time_over(world.training, settings, 0.0)
    world.training.progress.step, world.clock.seconds = 0, 99.5
    assert time_over(world.training, settings, 0.0)


class Judged(World):
    """The same, of which 40 s are kept for evaluations: training is over after 60."""

    def __init__(self) -> None:
        super().__init__()
        self.deadline = Deadline(100.0, wanted_s=40.0, since_s=0.0)
        self.budget = TimeBudget(self.deadline, self.clock, planned=59, move=self.move)

    def evaluate(self, seconds: float, expected_s: float = 20.0) -> bool:
        """The training's last evaluation; whether training goes on."""
        self.clock.seconds += seconds
        self.clock.spent["evaluation"] += seconds
        self.deadline.measured(seconds / expected_s)
        self.training.progress.evaluated_at = self.training.progress.step
        return self.budget.goes_on(self.training)


def test_time_that_a_last_evaluation_leaves_is_trained_in() -> None:
    """Of 40 s 4 are needed: training goes on from 61 to 96 s, less a little to spare, and is over once evaluated again."""
    world = Judged()
    world.run(59, 1.0)
    assert world.moved == []
    assert world.evaluate(2.0)
    assert world.moved == [(59, 93)]
    assert world.step_s == pytest.approx(1.0)
    world.run(93 - 59, 1.0)
    assert world.moved == [(59, 93)]  # the evaluation is no part of the pace
    assert not world.evaluate(2.0)
    assert world.clock.seconds + 2.0 < 100.0  # what is evaluated after training fits


@pytest.mark.parametrize("took_s", [20.0, 18.0, 40.0])
def test_an_evaluation_about_as_long_as_expected_is_the_last(took_s: float) -> None:
    world = Judged()
    world.run(59, 1.0)
    assert not world.evaluate(took_s)
    assert world.moved == []


def test_training_that_went_on_goes_on_again_while_there_is_time() -> None:
    """The first evaluation was slowed down by others: it took half of what was kept, the next a tenth."""
    world = Judged()
    world.run(59, 1.0)
    assert world.evaluate(10.0)
    assert world.moved == [(59, 69)]
    world.run(10, 1.0)
    assert world.evaluate(2.0)
    assert world.moved[1:] == [(69, 83)]


def test_training_goes_on_no_further_than_another_length() -> None:
    world = Judged()
    world.budget = TimeBudget(world.deadline, world.clock, planned=59, move=world.move, latest=lambda progress: 70)
    world.run(59, 1.0)
    assert world.evaluate(2.0)
    assert world.moved == [(59, 70)]


def test_a_run_that_was_too_slow_for_its_plan_goes_on_to_the_step_that_fits() -> None:
    """Its time was over before its step, so it may have to end sooner than it was planned to."""
    world = Judged()
    world.budget = TimeBudget(world.deadline, world.clock, planned=100, move=lambda *_: None)
    world.run(59, 1.0)
    world.budget._move = world.move
    assert world.evaluate(2.0)
    assert world.moved == [(59, 93)]


def test_an_end_that_cannot_be_moved_is_the_end() -> None:
    world = Judged()
    world.run(59, 1.0)
    world.budget._move = lambda *_: None  # a schedule that does not fit
    assert not world.evaluate(2.0)


def test_a_run_that_is_resumed_at_its_end_knows_no_pace_to_go_on_by() -> None:
    world = Judged()
    world.training.progress.step = 59
    world.clock.seconds = 59.0
    assert not world.evaluate(2.0)


def test_training_goes_on_where_a_burst_of_batches_still_fits() -> None:
    """Between 66 and 96 s a burst of 12 s fits with its 40 steps, and another with 15 of them."""
    world = Judged()
    world.training.source = Bursts(world)  # type: ignore[assignment]
    world.budget = TimeBudget(world.deadline, world.clock, planned=160, move=world.move)
    for step in range(160):
        if step % 40 == 0:
            world.clock.seconds += 12.0
            world.clock.spent["input"] += 12.0
        world.run(1, 0.1)
    assert world.moved == []
    assert world.evaluate(2.0)
    assert world.moved == [(160, 215)]


def test_what_starting_took_brings_no_share_forward() -> None:
    """The first few steps, in which caches are filled and much is looked at, would otherwise be all that the first end is of."""
    world = World()
    world.clock.spent["startup"] = world.clock.seconds = 20.0
    world.run(FEWEST + 1, 0.5)  # 22.5 s: past 0.15 of the time, of which nothing but 2.5 s was for training
    assert world.moved == []
    world.run(30, 0.1)
    (step, _), *_ = world.moved
    assert world.training.progress.ends_asked == 1
    assert step > 10 * FEWEST // 2
