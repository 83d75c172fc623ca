"""Experience in which there is nothing to learn, and experience that is not used."""

import math
from typing import Any

import pytest
from acted_runs import UPDATES, acted

from sonde.diagnose.rules import experience
from sonde.diagnose.rules.table import OF_ACTING
from sonde.diagnose.seen import Seen
from sonde.diagnose.suspicion import Suspicion, ranked

NEVER: dict[str, Any] = {
    "reward_lowest": 0.0, "reward_highest": 0.0, "return_lowest": 0.0, "return_highest": 0.0, "train_return": 0.0,
}  # fmt: skip
SAME: dict[str, Any] = {
    "reward_lowest": -1.0, "reward_highest": -1.0, "return_lowest": -200.0, "return_highest": -200.0, "train_return": -200.0,
    "length_highest": 200.0, "length_lowest": 200.0,
}  # fmt: skip
ONE: dict[str, Any] = {"length_highest": 1.0, "length_lowest": 1.0}


def said(run: Seen) -> list[Suspicion]:
    return ranked(found for rule in OF_ACTING if (found := rule(run)) is not None)


def first(run: Seen) -> Suspicion:
    return said(run)[0]


HEALTHY = {
    "policy": lambda: acted(),
    "values": lambda: acted(replay=True),
    "under way": lambda: acted(at=0.3, moment="training"),
    "goal not yet found": lambda: acted(SAME, at=0.3, moment="evaluation", returns=[-200.0] * 5),
    "no reward yet": lambda: acted(NEVER, at=0.15, moment="evaluation", returns=[0.0] * 5),
    "rewards of one sign": lambda: acted({"reward_lowest": 0.0, "reward_highest": 1.0, "return_lowest": 0.0}),
    "a choice without consequences": lambda: acted(ONE),  # a note, see below
    "a first episode that is long": lambda: acted({"episodes": 0.0, "train_return": float("nan"), "length_going": 9_000}, at=0.5,
                                                  moment="training"),
    "a trial of few steps": lambda: acted(NEVER, updates=40, returns=[0.0]),
    "half an hour": lambda: acted(spent={"environment": 300.0, "policy": 300.0, "step": 900.0, "optimizer": 100.0}),
}  # fmt: skip


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_runs(name: str) -> None:
    assert [each.name for each in said(HEALTHY[name]()) if each.certainty != "suspected"] == []


def test_no_reward_was_met() -> None:
    found = first(acted(NEVER, returns=[0.0] * 5))
    assert (found.name, found.certainty) == ("reward-never-seen", "certain")
    assert "all 80,000 steps of the environments gave a reward of 0, in 2,040 episodes" in found.evidence
    assert "--entropy-weight 0.01" in found.action
    early = acted(NEVER, returns=[0.0] * 5, at=0.3, moment="training")
    assert first(early).name == "reward-never-seen"
    assert "--explore-steps 160000" in first(acted(NEVER, replay=True)).action
    assert experience.reward_never_seen(acted({**NEVER, "reward_highest": 1.0})) is None


def test_all_episodes_return_the_same() -> None:
    found = first(acted(SAME, returns=[-200.0] * 5))
    assert (found.name, found.certainty) == ("returns-alike", "certain")
    assert "returned -200" in found.evidence
    assert "--max-episode-steps 1000" in found.action
    assert experience.returns_alike(acted({**SAME, "return_highest": -199.0})) is None


def test_a_limit_that_changed_nothing_is_not_the_remedy_again() -> None:
    run = acted(SAME, returns=[-200.0] * 5)
    settings: Any = run.context.settings
    settings["max_episode_steps"] = 250
    action = first(run).action
    assert (
        "it ended after 200 steps at most, before --max-episode-steps 250 came, so by the environment's own code"
        in action
    )
    assert "--max-episode-steps 1000" not in action
    settings["max_episode_steps"] = 200
    assert "--max-episode-steps 1000" in first(run).action


def test_observations_are_the_same() -> None:
    found = first(acted({"observations_alike": 1.0}, at=0.1, moment="training"))
    assert (found.name, found.certainty) == ("inputs-constant", "certain")


def test_episodes_of_one_step() -> None:
    dead = acted({**ONE, "return_lowest": 1.0, "return_highest": 1.0, "train_return": 1.0})
    assert [(each.name, each.certainty) for each in said(dead)][:2] == [
        ("episodes-of-one-step", "certain"),
        ("returns-alike", "suspected"),
    ]
    bandit = experience.one_step(acted(ONE))
    assert bandit is not None
    assert bandit.certainty == "suspected"


def test_no_episode_ends() -> None:
    going = {"episodes": 0.0, "train_return": float("nan"), "length_going": 40_000}
    found = first(acted(going, at=0.5, moment="training"))
    assert (found.name, found.certainty) == ("episodes-never-end", "certain")
    assert "--max-episode-steps 1000" in found.action
    assert experience.never_end(acted({**going, "length_going": 999.0})) is None
    assert experience.never_end(acted({**going, "length_going": 1_000.0})) is not None  # at the end


def test_an_episode_that_ended_later() -> None:
    later = {
        "episodes": lambda share: float(share > 0.3),
        "length_going": lambda share: 3_000 if share <= 0.3 else math.nan,
    }
    assert experience.never_end(acted(later, at=0.2)) is not None
    assert experience.never_end(acted(later)) is None, "its last number is of before"
    assert not experience.outlived(acted(later, at=0.2), "episodes-never-end")
    assert experience.outlived(acted(later), "episodes-never-end")


@pytest.mark.parametrize(("name", "before"), [
    ("reward-never-seen", {"reward_lowest": 0.0, "reward_highest": 0.0}),
    ("returns-alike", {"return_lowest": 9.0, "return_highest": 9.0}),
    ("inputs-constant", {"observations_alike": 1.0}),
    ("episodes-of-one-step", {"length_highest": 1.0}),
])  # fmt: skip
def test_facts_are_outlived_by_what_is_met_since(name: str, before: dict[str, float]) -> None:
    assert not experience.outlived(acted(before), name)
    assert not experience.outlived(acted(dict.fromkeys(before, math.nan)), name), "of what nothing is known"
    assert experience.outlived(acted(), name)
    assert not experience.outlived(acted(at=0.0), name), "before anything was met"


def test_a_run_that_mostly_warms_up() -> None:
    found = first(acted(replay=True, settings={"warmup_steps": 60_000}))
    assert (found.name, found.certainty) == ("warmup-too-long", "certain")
    assert "60,000 of the 80,000 steps" in found.evidence
    assert "--warmup-steps 4000" in found.action
    assert experience.warmup_too_long(acted(replay=True, settings={"warmup_steps": 30_000})) is None
    assert found.severity == "warning"


def test_a_run_that_still_explores() -> None:
    found = first(acted({"exploration": 0.62}, replay=True, settings={"explore_steps": 200_000}))
    assert (found.name, found.certainty) == ("exploration-not-ended", "certain")
    assert "62.0 % of the actions were still drawn at random" in found.evidence
    assert "--explore-steps 16000" in found.action
    assert found.severity == "warning"
    assert experience.exploring_still(acted({"exploration": 0.14}, replay=True)) is None
    assert experience.exploring_still(acted({"exploration": 0.62}, replay=True, at=0.5, moment="evaluation")) is None


def test_a_short_trial_that_acts_at_random_is_a_note() -> None:
    few = acted(
        {"exploration": 0.62}, replay=True, updates=300, settings={"explore_steps": 10**6, "warmup_steps": 60_000}
    )
    for found in (experience.exploring_still(few), experience.warmup_too_long(few)):
        assert found is not None
        assert found.severity == "note"


def test_no_warm_up_is_advised_that_is_as_long_as_the_one_there_was() -> None:
    found = experience.warmup_too_long(
        acted({"environment_steps": 149.0}, replay=True, updates=50, settings={"warmup_steps": 100})
    )
    assert found is not None
    assert found.action == "train longer: --steps"


def test_notes() -> None:
    replay = experience.replay_never_full(acted(replay=True, settings={"replay": 1_000_000}))
    assert replay is not None
    assert (replay.name, replay.severity) == ("replay-never-full", "note")
    slow = experience.pace(acted(spent={"environment": 90.0, "policy": 5.0, "step": 10.0, "optimizer": 1.0}))
    assert slow is not None
    assert (slow.name, slow.severity) == ("environment-slower-than-learner", "note")
    fast = experience.pace(acted(spent={"environment": 1.0, "policy": 1.0, "step": 90.0, "optimizer": 10.0}))
    assert fast is not None
    assert fast.name == "learner-slower-than-environment"
    assert "--reuse" in fast.action
    values = experience.pace(
        acted(replay=True, spent={"environment": 1.0, "policy": 1.0, "step": 90.0, "optimizer": 10.0})
    )
    assert values is not None
    assert "--train-every 4" in values.action
    assert experience.pace(acted(spent={"environment": 9.0, "policy": 0.0, "step": 1.0, "optimizer": 0.0})) is None


def test_a_run_of_one_update_and_one_of_none() -> None:
    assert said(acted(updates=1)) == []
    assert said(acted(at=0.0)) == []
    assert UPDATES > experience.TRIAL
