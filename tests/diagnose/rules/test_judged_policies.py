"""Policies that do the same whatever they see, and those that are far worse than the log that they learned from."""

from typing import Any

import numpy as np
import pytest

from sonde.core.findings import CAUSES
from sonde.diagnose.rules.judged_policies import actions_alike, below_its_log

HALF = (2_500.0, 0.6)  # of numbers from 0 to 5,000 and from -0.2 to 1
HEAT = np.tile(np.array([5_000.0, 1.0], np.float32), (96, 1))


def test_one_action_in_all_steps() -> None:
    (found,) = actions_alike([HEAT] * 10, HALF, steps=115, unscaled=True)
    assert found.name in CAUSES
    assert "the same action (5000, 1) in all 960 steps of 10 episodes" in found.evidence
    assert found.action.startswith("--scale-observations")
    (plain,) = actions_alike([HEAT] * 10, HALF, steps=115)
    assert plain.action.startswith("a lower --lr")
    trembling = HEAT - np.linspace(0, 4, 96, dtype=np.float32)[:, None] * np.array([1, 0], np.float32)
    assert actions_alike([trembling] * 10, HALF, steps=115), "less than a thousandth of the bounds"


@pytest.mark.parametrize("taken", [
    [HEAT, HEAT, HEAT - np.array([50, 0], np.float32)],  # another in one episode
    [HEAT, HEAT],  # too few episodes
    [HEAT[:10]] * 4,  # and steps
    [],
])  # fmt: skip
def test_actions_that_differ_or_are_few(taken: list[np.ndarray]) -> None:
    assert actions_alike(taken, HALF, steps=115) == []


def test_choices_are_alike_only_where_they_are_equal() -> None:
    same, other = np.full((40, 2), 1), np.full((40, 2), 2)
    assert actions_alike([same, same, same], (), steps=50)[0].evidence.startswith(
        "the policy took the same action (1, 1)"
    )
    assert actions_alike([same, other, same], (), steps=50) == []
    assert actions_alike([same, same, same], (), steps=5) == [], "a run that has hardly begun"


def cloned(
    own: float, *, plain: float | None = -777.0, log: float = -108.6, count: int = 40, **more: Any
) -> dict[str, Any]:
    return {
        "headline": "return", "steps": 300, "references": {"return": {"what": "it", "value": log, "std": 148.0, "count": count}},
        "metrics": {"train": {"loss": -4.67}, "test": {"return": own, "return_std": 300.0}},
        "baseline": {} if plain is None else {"return": plain}, **more,
    }  # fmt: skip


def test_a_clone_far_below_its_log() -> None:
    (found,) = below_its_log(cloned(-2_064.0), "test", 30)
    assert found.name in CAUSES
    assert (
        "is -2,064, less than the -777 of a policy that knows nothing, where the log's own 40 returned -109"
        in found.evidence
    )
    assert "(training loss -4.67)" in found.evidence
    assert "actions and observations in its units" in found.action
    (half,) = below_its_log(cloned(-500.0), "test", 30)
    assert "knows nothing" not in half.evidence


@pytest.mark.parametrize("result", [
    cloned(-150.0),  # as the log, but for chance
    cloned(-300.0),  # below it, and far above a random policy
    cloned(-2_064.0, log=-770.0),  # of a log that is no better than chance
    cloned(-2_064.0, plain=None),
    cloned(-2_064.0, count=2),
    cloned(-2_064.0, steps=3),
    {"headline": "return", "metrics": {"test": {"return": -2_064.0}}, "baseline": {"return": -777.0}, "steps": 300},
])  # fmt: skip
def test_clones_of_which_nothing_is_said(result: dict[str, Any]) -> None:
    assert below_its_log(result, "test", 30) == []
