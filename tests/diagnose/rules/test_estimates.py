"""Values that episodes do not bear out."""

from typing import Any

import pytest
from acted_runs import acted

from sonde.diagnose.rules import estimates
from sonde.diagnose.seen import Seen

GRID: dict[str, Any] = {
    "reward_lowest": -0.02, "reward_highest": 0.98, "return_lowest": -1.2, "return_highest": 1.22, "length_highest": 60.0,
    "train_return": -0.8, "values/value": 11.8,
}  # fmt: skip
FAR, CAME = [11.3, 11.2, 11.1], 5.9  # of which 6.8 is expected to follow where episodes were cut off


def judged(
    expected: list[float], came: float, numbers: dict[str, Any], returns: list[float] | None = None, **more: Any
) -> Seen:
    """A run of DQN by what its evaluations expected and what became of that."""
    found = acted(numbers, replay=True, returns=returns or [-1.1] * len(expected), expected=expected, **more)
    for each in found.evaluations:
        assert isinstance(each.metrics, dict)
        each.metrics.update({"bootstrapped_return": came, "bootstrapped_part": 6.8})
    return found


def test_values_far_above_what_any_episode_returned() -> None:
    found = estimates.overestimated(judged(FAR, CAME, GRID))
    assert found is not None
    assert (found.name, found.certainty) == ("values-overestimated", "likely")
    assert "expected to return 11.1, discounted, and came to 5.90 (6.80 of them a value too" in found.evidence
    assert "returned -1.10, and no episode ever returned more than 1.22" in found.evidence
    assert found.action.startswith("--lr 0.0001")
    risen = judged(FAR, CAME, {**GRID, "train_return": lambda share: 2 * share - 1}, returns=[-1.0, 0.0, 1.0])
    better = estimates.overestimated(risen)
    assert better is not None
    assert better.certainty == "suspected", "it learns all the same, which makes it a note"


COSTS = {"reward_lowest": -1.0, "reward_highest": -1.0, "return_lowest": -200.0, "return_highest": -200.0}


@pytest.mark.parametrize(("expected", "came", "numbers"), [
    (FAR[:2], CAME, GRID),  # too few evaluations
    ([11.3, 11.2, 7.0], CAME, GRID),  # of which one has come nearer
    ([0.1, 0.0, 0.0], -195.0, COSTS),  # values that have not been learned, of costs
    ([-20.0, -30.0, -40.0], -90.0, COSTS),
    ([700.0, 720.0, 740.0], 690.0, {}),  # of CartPole's poles that do not fall within 500 steps
    ([150.0, 160.0, 160.0], 95.0, {}),  # too much, as of most networks
    ([-11.0, -11.0, -11.0], 5.0, GRID),  # less than what came
])  # fmt: skip
def test_healthy_values(expected: list[float], came: float, numbers: dict[str, Any]) -> None:
    assert estimates.overestimated(judged(expected, came, numbers)) is None


def test_what_entropy_is_paid_is_no_overestimate() -> None:
    soft = {**GRID, "temperature/temperature": 0.1, "actor/entropy": 1.0}  # 0.1 a step, of which 100 count
    assert estimates.overestimated(judged(FAR, CAME, soft)) is None
    assert estimates.overestimated(judged(FAR, CAME, {**soft, "temperature/temperature": 0.001})) is not None


def test_the_first_updates_tell_nothing() -> None:
    assert estimates.overestimated(judged(FAR, CAME, GRID, updates=400)) is None
