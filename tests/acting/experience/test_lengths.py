"""Updates of so many steps of the environments, beside what the sources themselves take."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from sonde.acting.experience import off_policy, on_policy
from sonde.acting.experience.lengths import of_replay, of_rollouts, of_rollouts_once
from sonde.acting.seeds import SeedRows
from sonde.core.config import FeedConfig, TrainConfig
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.modalities.settings import built
from sonde.models.build import build as build_model
from sonde.tasks.table import build as build_task
from sonde.tasks.table import spec
from tests.acting.small_environments import Corridor


def config(task: str, environments: int, batch: int, **settings: Any) -> TrainConfig:
    found = TrainConfig(model="policy-mlp", task=task, **built({"environments": environments}))
    return replace(found, feed=FeedConfig(batch_size=batch), task_config=spec(task).config(**settings))


def taken(task: str, made: TrainConfig, updates: int) -> int:
    """Steps of the environments at the last of so many updates, as its source counts them."""
    input, target = InputSpec(kind="environment", shape=(4,)), TargetSpec(kind="action", names=("0", "1"))
    learned = build_task(task, build_model("policy-mlp", input, 2), target, made.task_config, input=input)
    rows = SeedRows(make=Corridor, encode=partial(np.asarray, dtype=np.float32), split="train", number=9)
    source = {"ppo": on_policy.reused, "a2c": on_policy.once, "dqn": off_policy.source}[task](
        {"train": rows}, learned, made, torch.device("cpu")
    )
    batches = iter(source)
    for _ in range(updates):
        next(batches)
    return int(source.figures["environment_steps"])  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("steps", "batch", "updates", "reached"),
    [(1, 8, 8, 32), (32, 8, 8, 32), (33, 8, 16, 64), (64, 7, 20, 64), (64, 100, 4, 64)],
)
def test_rollouts_are_whole(steps: int, batch: int, updates: int, reached: int) -> None:
    made = config("ppo", 4, batch, rollout=8, reuse=2)
    found = of_rollouts(steps, made)
    assert (found.number, found.steps) == (updates, reached)
    assert taken("ppo", made, found.number) == reached
    assert taken("ppo", made, found.number + 1) > reached


def test_a_rollout_that_is_a_batch_is_an_update() -> None:
    made = config("a2c", 4, 8, rollout=8)
    found = of_rollouts_once(100, made)
    assert (found.number, found.steps, found.words) == (4, 128, "4 rollouts of 32, 1 update each")
    assert taken("a2c", made, 4) == 128


@pytest.mark.parametrize("steps", [24, 25, 31, 40, 41])
@pytest.mark.parametrize(
    ("environments", "every", "together"),
    [(1, 1, 1), (1, 4, 1), (4, 1, 1), (4, 3, 1), (3, 7, 1), (1, 1, 5), (4, 1, 3), (3, 2, 4)],
)
def test_a_replay_makes_all_updates_that_are_due(steps: int, environments: int, every: int, together: int) -> None:
    made = config("dqn", environments, 4, replay=64, warmup_steps=20, train_every=every, updates_together=together)
    found = of_replay(steps, made)
    assert taken("dqn", made, found.number) == found.steps >= steps
    assert found.number % together == 0
    assert found.steps - steps < max(environments, every * together)
    if found.number > together:
        assert taken("dqn", made, found.number - together) <= -(-steps // environments) * environments


def test_what_is_not_enough_or_not_known_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"the first update comes after 1,000 steps .*--warmup-steps 1000.; give more"
    ):
        of_replay(999, config("dqn", 8, 64))
    with pytest.raises(ConfigError, match="--target-kl ends the passes over a rollout early"):
        of_rollouts(5000, config("ppo", 8, 64, target_kl=0.1))
