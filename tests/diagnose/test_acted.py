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


def test_what_rules_go_by_is_told_at_three_steps() -> None:
    course = Course()
    for step in (10, 20, 30, 40):
        parts = {"policy/entropy": 0.69 - step / 100, "policy/policy": 0.1, "exploration": math.nan}
        course.add(step, {**parts, **({"train_return": float(step)} if step > 10 else {})})
    titles, rows = course.signs()
    assert titles == ["what was logged", "step 10", "step 30", "step 40"]
    assert rows == [
        ("mean return of the last 100 episodes", "–", "30.0", "40.0"),
        ("entropy of the policy, nats", "0.590", "0.390", "0.290"),
    ]
    assert Course(entries=course.entries[:2]).signs() == ([], [])
