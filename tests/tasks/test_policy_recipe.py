"""Which network reads observations, and the published settings for pixels."""

import numpy as np
import pytest

from sonde.acting.environments.making import as_shown
from sonde.acting.seeds import SeedRows
from sonde.core.dataset import Dataset, InputSpec, Schema, TargetSpec
from sonde.tasks.dqn import recipe as dqn
from sonde.tasks.policy_recipe import network
from sonde.tasks.ppo import recipe as ppo


def showing(*shape: int) -> Dataset:
    rows = SeedRows(make=lambda: np.zeros(shape), encode=as_shown, split="train", number=1)
    schema = Schema(
        input=InputSpec(kind="environment", shape=shape), target=TargetSpec(kind="action", names=("0", "1"))
    )
    return Dataset(name="x", source="x", form="x", schema=schema, splits={"train": rows}, facts=[])


@pytest.mark.parametrize(
    ("shape", "model"),
    [((4,), "policy-mlp"), ((4, 84, 84), "policy-cnn"), ((3, 36, 40), "policy-cnn"), ((1, 10, 10), "policy-impala")],
)
def test_a_network_is_chosen_by_the_shape(shape: tuple[int, ...], model: str) -> None:
    assert network(showing(*shape))[0] == model == ppo.model(showing(*shape))[0] == dqn.model(showing(*shape))[0]


def test_ppo_of_pixels_is_as_published() -> None:
    """Huang et al. 2022: 10 million steps, of 8 environments and 128 each, in 4 batches and 4 passes."""
    found = {name: value for name, (value, _) in ppo.settings(showing(4, 84, 84), "policy-cnn").items()}
    assert {name: found[name] for name in ("lr", "schedule", "eps", "clip", "clip_range", "entropy_weight", "reuse")} == {
        "lr": 2.5e-4, "schedule": "linear", "eps": 1e-5, "clip": 0.5, "clip_range": 0.1, "entropy_weight": 0.01, "reuse": 4,
    }  # fmt: skip
    assert found["environments"] * 128 // found["batch_size"] == 4
    assert found["steps"] == 10_000_000 // 1024 * 16
    assert ppo.settings(showing(4), "policy-mlp")["lr"][0] == 1e-3


def test_q_learning_of_pixels_is_as_published() -> None:
    found = {name: value for name, (value, _) in dqn.settings(showing(4, 84, 84), "policy-cnn").items()}
    assert (found["warmup_steps"], found["train_every"], found["batch_size"]) == (50_000, 4, 32)
    assert found["warmup_steps"] + found["steps"] * found["train_every"] == 10_000_000
    assert "hidden" not in found


def test_small_pictures_are_learned_in_a_tenth_of_the_steps() -> None:
    found = {name: value for name, (value, _) in dqn.settings(showing(1, 10, 10), "policy-impala").items()}
    assert (found["warmup_steps"], found["explore_steps"], found["act_sampled"]) == (5_000, 100_000, False)
    assert found["warmup_steps"] + found["steps"] * found["train_every"] == 1_000_000
    found = {name: value for name, (value, _) in ppo.settings(showing(1, 10, 10), "policy-impala").items()}
    assert (found["steps"], found["lr"]) == (1_000_000 // 1024 * 16, 1e-3)
