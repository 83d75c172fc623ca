"""Each fault of an environment is named; of environments without one nothing is said."""

import re
from dataclasses import replace
from typing import Any

import gymnasium
import numpy as np
import pytest

from sonde.acting.environments import survey
from sonde.acting.environments.survey import Tried
from sonde.core.config import DataConfig
from sonde.core.errors import ConfigError, DataError
from sonde.modalities.environment.inspection import _row, first_look
from sonde.modalities.inspect import Inspection, inspect
from sonde.modalities.open import open_data
from tests.acting.faulty import FAULTY, Beyond, OtherType, Target, Unscaled

NAMED = {
    "NotFinite": "not finite inputs: after step 18 of the episode of seed 3,000,000 number 1 is nan",
    "NotFiniteReward": "not finite rewards: in step 18 of the episode of seed 3,000,000 the reward is -inf",
    "Beyond": "outside its space: after step .* number 0 is .*, and the space says -1 to 1",
    "OtherType": "outside its space: at the beginning .* it is float64, and the space says float32",
    "Unseeded": "seeds do not reproduce: seed 3,000,000 leads to something else when a new environment is reset to it, at once",
    "LateChance": "seeds do not reproduce: .* after 1 of the same actions",
    "Blind": "inputs constant: all .* observations are the same",
    "Repeats": "repeated numbers: number 3 equals number 0 in all",
    "Unscaled": "scale of observations: number 0 is .* and number 1 0",
    "Unrewarded": "reward never seen: no step of .* episodes of random, constant and linear policies gave a reward",
    "LargeRewards": "scale of rewards: rewards that are not 0 are .* in the root mean square",
    "Endless": "episodes never end: no episode of random actions ended within",
    "OneStep": "episodes of one step: all .* episodes were over after one step, and returned the same",
    "Deaf": "actions without effect: other actions from the same seed lead to the same observations",
    "Unbounded": "actions without bounds: number 0 of the actions: from -inf to inf, of which -1 to 1 is sent",
}
REFUSED = {
    "OtherShape": r"step shows \(3,\), and its observation_space says \(2,\)",
    "NoReward": "step returned no reward",
    "NoChoice": "action 0 lies between 1 and 1, so there is nothing to choose",
    "Breaks": "KeyError: 'speed'",
    "FourValues": "step returned 4 values",
}
HEALTHY = [
    "CartPole-v1", "Acrobot-v1", "MountainCar-v0", "MountainCarContinuous-v0", "Pendulum-v1", "Blackjack-v1", "FrozenLake-v1",
    "CliffWalking-v1",
]  # fmt: skip


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at a few episodes only."""
    for name, value in (("EPISODES", 6), ("FRESH", 3), ("POLICIES", 30), ("FINALISTS", 2), ("MORE", 1)):
        monkeypatch.setattr(survey, name, value)


def looked(data: Any, seconds: float = 2.0) -> Inspection:
    return inspect(data, DataConfig(), seconds=seconds)


def said(found: Inspection, severity: str = "warning") -> list[str]:
    return [f"{each.check}: {each.evidence}" for each in found.findings if each.severity == severity]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("name", NAMED)
def test_a_fault_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(survey, "POLICIES", 100)  # of what nobody met only many tell
    found = looked(FAULTY[name])
    told = said(found) + said(found, "note")
    assert any(re.match(NAMED[name], each) for each in told), told


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_learned_in_is_an_error_of_one_line(name: str) -> None:
    with pytest.raises(DataError, match=REFUSED[name]):
        looked(FAULTY[name])


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("name", HEALTHY)
def test_of_environments_without_faults_nothing_is_said(name: str) -> None:
    assert said(looked(f"gym:{name}")) == []


@pytest.mark.usefixtures("few")
def test_what_is_told_of_an_environment() -> None:
    found = looked(Target)
    assert found.findings == ()
    facts = [each.what for each in found.facts]
    assert facts[:2] == ["observations of 2 numbers", "3 actions"]
    assert facts[3] == "every episode takes 20 steps"
    returns, numbers = found.tables
    policies = ["random", *(f"always action {place}" for place in range(3)), "best of 30 random linear policies"]
    assert [row[0] for row in returns.rows] == policies
    assert [row[1] for row in returns.rows] == ["6", "3", "3", "3", "3"]
    assert float(returns.rows[-1][2]) > max(float(row[2]) for row in returns.rows[:-1])  # one that heeds what it sees
    assert [row[1] for row in numbers.rows] == ["-20.0 to 20.0"] * 2


def test_of_a_space_that_lies_training_warns_before_it_begins() -> None:
    for kind, evidence in ((Beyond, "the space says -1 to 1"), (OtherType, "it is float64")):
        (found,) = open_data(kind, DataConfig()).findings
        assert found.name == "outside-its-space"
        assert evidence in found.evidence
        assert found.severity == "warning"
    assert open_data(Target, DataConfig()).findings == []
    env = gymnasium.make("CartPole-v1")
    assert first_look(env, lambda seen: seen, "gym:CartPole-v1") == ([], [])


def test_of_scales_that_a_task_leaves_as_they_are_training_warns_too() -> None:
    dataset = open_data(Unscaled, DataConfig())
    assert dataset.findings == []
    (found,) = dataset.unless["scale_observations"]
    assert (found.name, found.severity) == ("inputs-not-scaled", "warning")
    assert re.search("in 210 observations number 0 is .* and number 1 0", found.evidence)
    assert found.action.startswith("--scale-observations")


def test_seconds_are_for_what_is_played() -> None:
    rows = np.arange(60, dtype=np.float32).reshape(30, 2)
    with pytest.raises(ConfigError, match="--play-seconds is for environments"):
        inspect((rows, rows[:, 0] % 4 // 2), DataConfig(), seconds=1.0)


def test_a_row_is_of_the_episodes_that_ended_and_says_which_did_not() -> None:
    tried = Tried(policy="always lowest", returns=[-150.0, -140.0], lengths=[200, 200], left=64)
    assert _row(tried) == (
        "always lowest", "2, one more unfinished", "-145.0", "5.00", "-150.0", "-140.0", "200",
    )  # fmt: skip
    assert _row(replace(tried, left=900))[-1] == "200 or more"
    assert _row(replace(tried, returns=[], lengths=[]))[1:3] == ("0", "–")
