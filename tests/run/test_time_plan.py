"""What evaluations are planned to take under a time limit."""

from types import SimpleNamespace
from typing import Any

import pytest
from sample_tasks import CPU, Supervised, mlp, stepper

from sonde.core.pace import never
from sonde.core.seams import Abilities
from sonde.run import time_plan


class Games:
    """So many, twenty side by side at most: a group of them takes 2 s and a tenth of a second for each."""

    which, so_far, computes = "", (0, 0), False

    def __init__(self, number: int) -> None:
        self.order, self.batches = SimpleNamespace(rows=number), -(-number // 20)
        self.asked: list[float] = []
        self.leave_off = never

    def expected_s(self, at_most_s: float) -> float:
        self.asked.append(at_most_s)
        return self.batches * (2.0 + 0.1 * self.order.rows / self.batches)


@pytest.mark.parametrize(
    ("validation", "test", "expected", "asked"), [(4, 20, (2.4, 4.0), 1), (20, 100, (4.0, 20.0), 0)]
)
def test_games_that_are_played_side_by_side_are_timed_as_many_at_once(
    validation: int, test: int, expected: tuple[float, float], asked: int
) -> None:
    task = Supervised(mlp(2, 3))
    splits = {"validation": Games(validation), "test": Games(test)}
    assembly: Any = SimpleNamespace(dataset=None, evaluation_sources=splits, task=task, device=CPU)
    found = time_plan._evaluations(assembly, stepper(task), 100.0)
    assert (found["validation"], found["test"]) == pytest.approx(expected)
    assert found["quick"] == found["validation"]
    assert (len(splits["validation"].asked), len(splits["test"].asked)) == (1, asked)


class Waves(Games):
    paced: Any = None

    def least_s(self, at_most_s: float) -> float:
        return 3.0

    def paced_as(self, other: Any) -> None:
        self.paced = other


def test_time_for_the_least_that_tells_anything_of_games_is_planned_and_for_two_players_of_a_baseline() -> None:
    task = Supervised(mlp(2, 3))
    task.abilities = Abilities(playing=object())  # type: ignore[arg-type]
    splits = {"validation": Waves(20), "test": Waves(20)}
    assembly: Any = SimpleNamespace(dataset=None, evaluation_sources=splits, task=task, device=CPU)
    found = time_plan._evaluations(assembly, stepper(task), 100.0)
    assert (found["least"], found["baseline"], found["test"]) == pytest.approx((4.5, 9.0, 4.0))
    assert splits["test"].paced is splits["validation"]
