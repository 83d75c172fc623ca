"""The end of training under a time limit follows what evaluations take."""

import pytest

from sonde.engine.deadline import EVALUATION_SHARE, Deadline


def test_evaluations_that_take_less_than_planned_leave_more_to_training() -> None:
    deadline = Deadline(100.0, wanted_s=30.0, since_s=0.0)
    deadline.measured(0.5)
    assert (deadline.training_s, deadline.share) == (85.0, 1.0)


def test_more_than_a_share_of_what_is_left_is_kept_for_none() -> None:
    deadline = Deadline(100.0, wanted_s=30.0, since_s=20.0)
    deadline.measured(3.0)
    assert deadline.kept_s == pytest.approx(EVALUATION_SHARE * 80)
    assert deadline.share == pytest.approx(32 / 90)


def test_one_that_was_cut_short_tells_only_that_it_takes_longer() -> None:
    deadline = Deadline(100.0, wanted_s=20.0, since_s=0.0)
    deadline.measured(0.4, at_least=True)
    assert deadline.ratio == 1.0
    deadline.measured(1.5, at_least=True)
    assert deadline.training_s == 70.0


def test_before_the_first_update_there_is_nothing_to_evaluate() -> None:
    deadline = Deadline(100.0, wanted_s=30.0, since_s=0.0, floor_s=1.0)
    assert (deadline.first_s, deadline.training_s) == (99.0, 70.0)
    deadline.begun(95.0)
    assert deadline.training_s == 98.0


def test_what_evaluations_take_is_looked_at_once_where_that_costs_little_of_what_is_kept() -> None:
    deadline = Deadline(100.0, wanted_s=30.0, since_s=0.0, look_s=7.0)
    assert [deadline.looks(second) for second in (0.0, 34.0, 36.0)] == [False, False, True]
    deadline.measured(1.0)
    assert not deadline.looks(60.0)
    assert not Deadline(100.0, wanted_s=30.0, since_s=0.0, look_s=8.0).looks(60.0)
    assert not Deadline(100.0, wanted_s=14.0, since_s=0.0, look_s=1.0).looks(60.0)
    assert not Deadline(100.0, wanted_s=30.0, since_s=0.0).looks(60.0)
