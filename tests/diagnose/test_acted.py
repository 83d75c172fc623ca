"""What the log holds of a policy, as rules read it."""

import math

from sonde.diagnose import acted
from sonde.diagnose.acted import Course, course_of, level


def test_numbers_by_name_and_by_part() -> None:
    lines = [
        {"kind": "step", "step": 10, "policy/kl": 0.5, "train_return": 3.0, "episodes": 30},
        {"kind": "evaluation", "step": 10, "metrics": {"return": 9.0}},
        {"kind": "step", "step": 20, "policy/kl": math.nan, "norm": None, "train_return": 5.0, "episodes": 31},
        {"kind": "step", "step": 30, "actor/kl": 0.25},
    ]
    course = course_of(lines)
    assert [each.step for each in course.entries] == [10, 20, 30]
    assert course.of("kl") == [(10, 0.5), (30, 0.25)]
    assert course.now("train_return") == 5.0
    assert math.isnan(course.now("norm"))
    assert course.returns() == [(10, 3.0), (20, 5.0)]
    assert (
        course_of([{"kind": "step", "step": 10, "train_return": 3.0, "episodes": 3}]).returns() == []
    )  # too few of them


def test_of_many_entries_every_second_is_forgotten() -> None:
    course = Course()
    for step in range(acted.MOST + 1):
        course.add(step, {"policy/kl": float(step)})
    assert len(course.entries) == acted.MOST // 2 + 1
    assert course.entries[0].step == 0
    assert course.now("policy/kl") == acted.MOST


def test_a_level_is_the_median_of_the_last() -> None:
    values = [(step, float(step)) for step in range(100)]
    assert level(values) == 89.5
    assert level(values, 1.0) == 49.5
    assert math.isnan(level(values[:4]))
