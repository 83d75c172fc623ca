"""Policies that stop trying, move too far, or not at all; values that run away; evaluations beside training."""

import math
from typing import Any

import pytest
from acted_runs import acted

from sonde.diagnose.rules import policies
from sonde.diagnose.rules.table import OF_ACTING
from sonde.diagnose.seen import Seen
from sonde.diagnose.suspicion import Suspicion, ranked

STANDS: dict[str, Any] = {"train_return": lambda share: 21 + math.sin(99 * share), "return_highest": 110.0}
LOW = [22.0] * 5


def fallen(share: float) -> float:
    """An entropy that is gone after a tenth of the run."""
    return 0.69 if share < 0.05 else 0.001


def said(run: Seen) -> list[Suspicion]:
    return ranked(found for rule in OF_ACTING if (found := rule(run)) is not None)


HEALTHY = {
    "sure of itself": lambda: acted({"policy/entropy": fallen}),  # it has become better
    "at a bound, and good": lambda: acted({"policy/at_bound": 0.99}),
    "still at the end": lambda: acted({"policy/kl": lambda share: 0.004 if share < 0.7 else 1e-7}),
    "soft actor-critic": lambda: acted(
        {"actor/entropy": fallen, "temperature/temperature": 0.1, **STANDS}, replay=True, returns=LOW
    ),
    "overestimates": lambda: acted({"values/value": 180.0}, replay=True, expected=[120.0] * 5),
    "one bad evaluation": lambda: acted(returns=[100.0, 300.0, 450.0, 20.0, 480.0]),
    "gets better faster than its mean": lambda: acted(returns=[480.0] * 5, at=0.6, moment="evaluation"),
    "explores": lambda: acted({"train_return": 150.0, "exploration": 0.3}, replay=True, settings={"explore_last": 0.3}),
    "no learning, which is a note": lambda: acted(STANDS, returns=LOW),
}


@pytest.mark.parametrize("name", HEALTHY)
def test_healthy_runs(name: str) -> None:
    assert [each.name for each in said(HEALTHY[name]()) if each.certainty != "suspected"] == []


def test_the_entropy_collapses() -> None:
    found = said(acted({"policy/entropy": fallen, **STANDS}, returns=LOW))[0]
    assert (found.name, found.certainty) == ("entropy-collapsed", "likely")
    assert "fell from 0.690 to 0.00100 nats, half of it by step 200" in found.evidence
    assert "--entropy-weight 0.01" in found.action
    weighted = said(acted({"policy/entropy": fallen, **STANDS}, returns=LOW, settings={"entropy_weight": 0.02}))[0]
    assert "--entropy-weight 0.2" in weighted.action
    narrow = {"policy/entropy": lambda share: 1.42 - 4 * min(1.0, 5 * share), "policy/at_bound": 0.3, **STANDS}
    assert said(acted(narrow, returns=LOW))[0].name == "entropy-collapsed"
    wide = {"policy/entropy": lambda share: 1.42 - 2 * share, "policy/at_bound": 0.3, **STANDS}
    assert policies.entropy_collapsed(acted(wide, returns=LOW)) is None  # a spread of a seventh


def test_an_entropy_that_is_gone_after_a_few_updates() -> None:
    gone = {
        "policy/entropy": lambda share: 0.08 if share < 0.15 else 1e-9,
        "policy/kl": math.nan,
        "policy/clipped": math.nan,
    }
    low = {**gone, "train_return": lambda share: 20.5 if share < 0.15 else 9.2, "return_highest": 73.0}
    found = said(acted(low, returns=[9.0], updates=94))[0]
    assert (found.name, found.certainty) == ("entropy-collapsed", "likely")
    assert "is 1.00e-09 nats, and was down to 0.0800 by step 10 (at least 0.693 where" in found.evidence
    at_once = acted({**low, "policy/entropy": 0.0}, returns=[9.0], updates=94)
    assert policies.entropy_collapsed(at_once) is None  # as where there is one action only
    little = said(acted({**low, "train_return": 25.0}, returns=[26.0], updates=94))[0]
    assert (little.name, little.certainty) == ("entropy-collapsed", "suspected")  # it may be chance, and may not
    noisy = {
        **gone,
        "train_return": lambda share: 0.9 if share < 0.15 else 3.0,
        "return_lowest": -8.0,
        "return_highest": 14.0,
    }
    assert policies.entropy_collapsed(acted(noisy, returns=[2.4], updates=94)) is None  # it has risen, beyond chance
    best = {**gone, "train_return": 9.8, "return_lowest": 0.0, "return_highest": 10.0}
    assert policies.entropy_collapsed(acted(best, returns=[9.8], updates=94)) is None  # all there is
    assert policies.entropy_collapsed(acted(low, returns=[9.0], updates=40)) is None


def test_values_run_away() -> None:
    found = said(acted({"values/value": lambda share: 800 * share}, replay=True, settings={"target_every": 1}))[0]
    assert (found.name, found.certainty) == ("values-diverge", "certain")
    assert "rewards of at most 1.00 with a discount of 0.990 can come to 100" in found.evidence
    assert "--target-every 500" in found.action
    wrong = said(acted(replay=True, expected=[150.0, 150.0, 145.0, 150.0, 160.0]))[0]
    assert (wrong.name, wrong.certainty) == ("values-diverge", "likely")
    assert "expected to return 160, discounted, and return 90.0" in wrong.evidence
    soft = {"values/value": 800.0, "actor/entropy": 2.0, "temperature/temperature": 2.0}
    assert policies.values_diverge(acted(soft, replay=True)) is None  # entropy is paid for too
    stuck = {"values/value": -7_000.0, "actor/entropy": -300.0, "temperature/temperature": 2.4, "target_entropy": -2.0}
    ran = said(acted(stuck, replay=True, settings={"warmup_steps": 70_000}))
    assert [each.name for each in ran[:2]] == ["values-diverge", "warmup-too-long"]
    assert "can come to 100, and with entropy to 1,060" in ran[0].evidence
    aimed = {**stuck, "values/value": -2_000.0}
    assert policies.values_diverge(acted(aimed, replay=True)) is None
    assert policies.values_diverge(acted({"policy/value": 1e6})) is None  # an error, where nothing is replayed
    assert policies.values_diverge(acted({"values/value": 800.0}, replay=True, settings={"discount": 1.0})) is None


def test_actions_stay_at_a_bound() -> None:
    stuck = said(acted({"policy/at_bound": 0.98, **STANDS}, returns=LOW))[0]
    assert (stuck.name, stuck.certainty) == ("actions-at-bounds", "likely")
    assert "98.0 % of the actions have a number at one and the same of its bounds" in stuck.evidence
    assert policies.actions_at_bounds(acted({"policy/at_bound": 0.9, **STANDS}, returns=LOW)) is None


def test_all_actions_at_a_bound_are_seen_at_once() -> None:
    """A run of 115 updates in which no action was ever another."""
    few: dict[str, Any] = {"actor/at_bound": 1.0, "episodes": 11.0, "train_return": -527.0}
    stuck = {"replay": True, "settings": {"scale_observations": False}, "returns": [-597.0], "updates": 120}
    found = policies.actions_at_bounds(acted(few, **stuck))
    assert found is not None
    assert (found.certainty, found.evidence[:5]) == ("likely", "100 %")
    assert found.action.startswith("--scale-observations where `sonde inspect` names their scale; a lower --lr")
    assert policies.actions_at_bounds(acted({**few, "actor/at_bound": 0.98}, **stuck)) is None, "which may be by chance"
    assert policies.actions_at_bounds(acted(few, **{**stuck, "updates": 40})) is None
    late = {**few, "actor/at_bound": lambda share: 0.1 if share < 0.4 else 1.0}
    assert policies.actions_at_bounds(acted(late, **stuck)) is not None
    assert (
        policies.actions_at_bounds(acted({**few, "actor/at_bound": lambda share: 1.0 if share < 0.7 else 0.9}, **stuck))
        is None
    )
    better = policies.actions_at_bounds(acted({"actor/at_bound": 1.0}, replay=True, updates=120))
    assert better is not None
    assert better.certainty == "suspected", "it may be what is best"


def test_the_rate_is_too_high() -> None:
    far = said(acted({"policy/kl": 0.3, "policy/clipped": 0.4, "policy/entropy": fallen, **STANDS}, returns=LOW))
    assert [(each.name, each.certainty) for each in far] == [
        ("learning-rate-too-high", "likely"),
        ("entropy-collapsed", "suspected"),
        ("not-learning", "suspected"),
    ]
    assert "--lr 0.0001, or fewer passes over each rollout: --reuse 3" in far[0].action
    thrown = acted(
        {"policy/kl": lambda share: 300.0 if share < 0.02 else 0.0, "policy/entropy": 0.0, **STANDS}, returns=LOW
    )
    assert said(thrown)[0].name == "learning-rate-too-high"
    assert "at first updates move the policy by a KL divergence of 300" in said(thrown)[0].evidence
    assert "8.00 % of the ratios" in said(thrown)[0].evidence
    some = policies.moves_too_far(acted({"policy/kl": 0.15}))
    assert some is not None
    assert some.certainty == "suspected"  # it learns all the same
    assert policies.moves_too_far(acted({"policy/kl": 0.06, "policy/clipped": 0.4})) is None


def test_a_first_update_that_throws_the_policy() -> None:
    once: dict[str, Any] = {
        "policy/kl": lambda share: 49.6 if share < 0.06 else 0.001, "policy/clipped": lambda share: float(share < 0.06),
        "policy/entropy": lambda share: 0.005 if share < 0.06 else 1e-12, "return_highest": 67.0,
        "train_return": lambda share: 19.1 if share < 0.06 else 9.3,
    }  # fmt: skip
    found = said(acted(once, returns=[9.25], updates=192))
    assert [each.name for each in found] == ["learning-rate-too-high", "entropy-collapsed"]
    assert found[0].certainty == "likely"
    assert (
        "update 10 moved the policy by a KL divergence of 49.6 (0.01 to 0.02 is usual), with 100 % of"
        in found[0].evidence
    )
    assert (
        said(acted(once, returns=[9.25], updates=4_000, at=0.015, moment="training"))[0].name
        == "learning-rate-too-high"
    )
    healed = policies.moves_too_far(acted({**once, "train_return": lambda share: 20 + 200 * share}, updates=192))
    assert healed is not None
    assert healed.certainty == "suspected"
    assert policies.moves_too_far(acted({**once, "policy/clipped": 0.1}, returns=[9.25], updates=192)) is None


def test_the_rate_is_too_low() -> None:
    found = said(acted({"policy/kl": 1e-8, "policy/clipped": 0.0, **STANDS}, returns=LOW))[0]
    assert (found.name, found.certainty) == ("learning-rate-too-low", "likely")
    assert policies.moves_too_little(acted({"policy/kl": 1e-8})) is None  # it has become better all the same
    assert policies.moves_too_little(acted({"policy/kl": 1e-3, **STANDS}, returns=LOW)) is None


def test_evaluations_beside_training() -> None:
    worse = said(acted({"train_return": 400.0}, returns=[400.0, 390.0, 20.0, 25.0, 22.0]))[0]
    assert (worse.name, worse.certainty) == ("evaluation-below-training", "likely")
    assert "the last 3 evaluations returned 20.0, 25.0, 22.0" in worse.evidence
    assert worse.action.startswith("--act-sampled")
    drawn = said(acted({"train_return": 400.0}, returns=[400.0] * 2 + [20.0] * 3, settings={"act_sampled": True}))[0]
    assert "--act-sampled" not in drawn.action
    falling = acted({"train_return": lambda share: 500 - 450 * share}, returns=[10.0] * 5)
    assert policies.evaluation_below(falling) is None  # its mean is of what was before
    few = acted({"train_return": 400.0, "episodes": 60.0}, returns=[20.0] * 5)
    assert policies.evaluation_below(few) is None
    rising = acted({"train_return": lambda share: 40 + 400 * share}, returns=[40.0, 20.0, 20.0, 25.0, 22.0])
    assert policies.evaluation_below(rising) is not None, "what its mean is of before was worse, not better"
    better = policies.training_below(acted({"train_return": 100.0}, returns=[450.0] * 5))
    assert better is not None
    assert (better.name, better.certainty) == ("training-below-evaluation", "suspected")


def test_a_few_episodes_that_ended_are_not_none() -> None:
    at_bound = {"policy/at_bound": 0.99, "episodes": 9.0, "train_return": -134.6}
    found = policies.actions_at_bounds(acted(at_bound, returns=[-130.0] * 5))
    assert found is not None
    assert found.evidence.endswith("and the 9 episodes that ended returned -135 in the mean")
    none = policies.actions_at_bounds(acted({**at_bound, "episodes": 0.0}, returns=[-130.0] * 5))
    assert none is not None
    assert none.evidence.endswith("and no episode has ended")


def test_several_evaluations_together_lie_below_training() -> None:
    """Of 20 episodes with a deviation of 150 the standard error is 34, of three evaluations and training together 24."""
    near = acted({"train_return": 450.0}, returns=[450.0, 440.0, 350.0, 340.0, 345.0], spread=150.0)
    (found,) = (each for each in said(near) if each.name == "evaluation-below-training")
    assert found.certainty == "likely"
    chance = acted({"train_return": 450.0}, returns=[450.0, 440.0, 350.0, 340.0, 345.0], spread=300.0)
    assert policies.evaluation_below(chance) is None
    little = acted({"train_return": 450.0}, returns=[450.0, 440.0, 400.0, 410.0, 405.0], spread=9.0)
    assert policies.evaluation_below(little) is None
    above = acted({"train_return": 350.0}, returns=[450.0, 440.0, 450.0, 445.0, 450.0], spread=150.0)
    assert policies.training_below(above) is None


def test_nothing_was_learned() -> None:
    (found,) = said(acted(STANDS, returns=LOW))
    assert (found.name, found.certainty) == ("not-learning", "suspected")
    assert policies.not_learning(acted(STANDS, returns=[22.0, 60.0, 90.0, 90.0, 90.0])) is None
