"""Logged actions in other units than the environment's are told where they show it, and a healthy log is left alone."""

import numpy as np
import pytest

from sonde.core.dataset import TargetSpec
from sonde.modalities.environment.log import Log, logged_target
from sonde.modalities.environment.log_scales import bounds_told, doubtful_scale

random = np.random.default_rng(0)
TORQUE = TargetSpec(kind="logged-control", names=("action 0",), mean=(0.0,), std=(2.0,))
CAR = TargetSpec(kind="logged-control", names=("action 0", "action 1"), mean=(0.0, 0.5), std=(1.0, 0.5))
DRIVEN = np.clip(3 * random.standard_normal((500, 1)), -2, 2).astype(
    np.float32
)  # saturates, as an expert of Pendulum does
STEERED = np.stack([np.tanh(2 * random.standard_normal(500)), random.random(500)], 1).astype(np.float32)


def met(actions: np.ndarray) -> TargetSpec:
    """The target of a log of which no environment is known."""
    count = len(actions)
    nothing = np.zeros(count, bool)
    return logged_target(
        Log(observation=np.zeros((count, 1)), action=actions, reward=np.zeros(count), terminated=nothing, truncated=nothing,
            episode=np.zeros(count, np.int64), following=np.zeros((count, 1)), known=nothing)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("actions", "target"),
    [
        (DRIVEN, TORQUE),
        (0.2 * random.standard_normal((500, 1)).astype(np.float32), TORQUE),  # a gentle one
        (np.sign(DRIVEN), TORQUE),  # one that knows two torques, 1 and -1
        (STEERED, CAR),
        (np.array([0, 1] * 100), TargetSpec(kind="logged-action", names=("0", "1"))),
        (DRIVEN[:50] / 2, TORQUE),  # too few to say
    ],
)
def test_a_healthy_log_is_left_alone(actions: np.ndarray, target: TargetSpec) -> None:
    assert doubtful_scale(actions, target, known=True) == []
    if actions.ndim == 2:
        assert doubtful_scale(actions, met(actions), known=False) == []


def test_actions_that_end_at_a_usual_scale_and_not_at_their_bounds_are_told() -> None:
    (said,) = doubtful_scale(DRIVEN / 2, TORQUE, known=True)
    assert said.startswith("logged actions end at -1 and 1, and action 0 is taken from -2 to 2: they look rescaled")
    (said,) = doubtful_scale(np.tanh(4 * DRIVEN), TORQUE, known=True)
    assert "end at -1 and 1" in said
    (said,) = doubtful_scale((DRIVEN + 2) / 4, TORQUE, known=True)
    assert "end at 0 and 1" in said


@pytest.mark.parametrize("known", [True, False])
def test_standardised_actions_are_told(known: bool) -> None:
    scaled = (STEERED - STEERED.mean(0)) / STEERED.std(0, ddof=1)
    (said,) = doubtful_scale(scaled / 1.0, replaced(3.0), known=known)
    assert said.startswith("logged actions have a mean of 0 and a standard deviation of 1")


def replaced(half: float) -> TargetSpec:
    return TargetSpec(kind="logged-control", names=("action 0", "action 1"), mean=(0.0, 0.0), std=(half, half))


HEATED = TargetSpec(kind="logged-control", names=("action 0", "action 1"), mean=(2500.0, 0.4), std=(2500.0, 0.6))


@pytest.mark.parametrize(("by", "share"), [(1_000.0, "0.083"), (5_000.0, "0.017")])
def test_actions_in_a_unit_in_which_they_hardly_use_their_bounds_are_told(by: float, share: str) -> None:
    """Kilowatts for watts; shares of the most that there is."""
    watts = np.stack([np.linspace(840, 5_000, 500), 0.3 + 0.1 * random.random(500)], 1).astype(np.float32)
    assert doubtful_scale(watts, HEATED, known=True) == []
    (said,) = doubtful_scale(watts / [by, 1], HEATED, known=True)
    assert said.startswith("logged actions use little of their bounds: action 0 lies between 0.")
    assert f"{share} % of the 0 to 5000 that the environment takes" in said
    assert doubtful_scale(watts / [by, 1], met(watts / [by, 1]), known=False) == [], "whose bounds are what was met"
    assert doubtful_scale(watts / [50, 1], HEATED, known=True) == [], "which may be how gently it was acted"
    still = np.stack([np.full(500, 0.0), watts[:, 1]], 1)
    assert doubtful_scale(still, HEATED, known=True) == [], "that it is constant is told elsewhere"


def test_a_few_numbers_that_make_the_range_are_told_where_it_is_taken_from_the_log() -> None:
    wrong = np.concatenate([STEERED] * 4)
    wrong[7, 1] = -9999
    (said,) = doubtful_scale(wrong, met(wrong), known=False)
    assert "action 1 lies between 0.0" in said
    assert "and is -9999 in row 7: actions are scaled by their range" in said


def test_a_log_of_one_action_is_told() -> None:
    (said,) = doubtful_scale(np.ones(200, np.int64), TargetSpec(kind="logged-action", names=("1", "2")), known=True)
    assert said.startswith("all 200 steps have the same action (2)")
    (said,) = doubtful_scale(np.full((200, 2), 0.5), CAR, known=True)
    assert "(0.5 0.5)" in said


def test_the_bounds_that_a_policy_acts_in_are_a_fact() -> None:
    still = np.stack([DRIVEN[:, 0] / 4, np.full(500, 3.0)], 1)
    (fact,) = bounds_told(still, met(still), known=False)
    assert fact.what.startswith(
        "actions of 2 numbers, from -0.5 to 0.5 and from 2 to 4, action 1 always 3: the bounds in which"
    )
    (fact,) = bounds_told(DRIVEN / 4, TORQUE, known=True)
    assert (fact.what, fact.why) == ("logged actions of 1 number from -0.5 to 0.5", "in bounds of the environment")
    assert bounds_told(np.array([0, 1]), TORQUE, known=True) == []
