"""Tasks that learn from a replay, and scale what they see by what was met so far."""

import copy
import itertools
from typing import Any

import numpy as np
import pytest
import torch

from sonde.acting.environments.in_process import InProcess
from sonde.acting.evaluation.episodes import acting_of
from sonde.acting.experience.replay import Replay, ReplayPlan
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import ConfigError
from sonde.models.policy_mlp import PolicyMLP, PolicyMLPConfig
from sonde.tasks.dqn.config import DQNConfig
from sonde.tasks.dqn.task import DQN
from sonde.tasks.sac.config import SACConfig
from sonde.tasks.sac.task import SAC
from sonde.tasks.td3.config import TD3Config
from sonde.tasks.td3.task import TD3
from tests.acting.small_environments import Walk

INPUT = InputSpec(kind="environment", shape=(2,))
NUMBERS = TargetSpec(kind="control", names=("a",), mean=(0.0,), std=(1.0,))
CHOICE = TargetSpec(kind="action", names=("0", "1"))
TASKS = {"sac": (SAC, SACConfig, NUMBERS), "td3": (TD3, TD3Config, NUMBERS), "dqn": (DQN, DQNConfig, CHOICE)}
SEEN = torch.randn(64, 2, generator=torch.Generator().manual_seed(0)) * torch.tensor([1e4, 0.1]) + torch.tensor(
    [1e5, 0.0]
)


def made(name: str, *, scale: bool = True) -> Any:
    torch.manual_seed(0)
    task, config, target = TASKS[name]
    torso = PolicyMLP(INPUT, 2, PolicyMLPConfig(hidden=(8,)))
    return task(torso, target, config(scale_observations=scale), input=INPUT)


def batch(name: str, seen: torch.Tensor) -> Batch:
    action = torch.zeros(64, 1) if name != "dqn" else torch.zeros(64, dtype=torch.int64)
    fields = {"observation": seen, "following": seen.flip(0), "action": action}
    return Batch({**fields, "reward": torch.ones(64), "discount": torch.full((64,), 0.9)}, torch.arange(64))


@pytest.mark.parametrize("name", TASKS)
def test_losses_actions_and_values_are_those_of_scaled_observations(name: str) -> None:
    scaling, plain = made(name), made(name, scale=False)
    scaling.abilities.acting.observed(SEEN)
    scaled = (SEEN - SEEN.mean(0)) / SEEN.std(0, unbiased=False)
    assert "observations" not in plain.modules
    for mine, theirs in zip(scaling.phases, plain.phases, strict=True):
        torch.manual_seed(1)
        one = mine.loss(batch(name, SEEN)).value
        torch.manual_seed(1)
        torch.testing.assert_close(one, theirs.loss(batch(name, scaled)).value, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(scaling.value(SEEN), plain.value(scaled), rtol=1e-3, atol=1e-3)
    one, other = (task.predict(Batch({"input": seen}, torch.arange(64)))["action"] for task, seen in
                  ((scaling, SEEN), (plain, scaled)))  # fmt: skip
    torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", TASKS)
def test_pictures_are_not_scaled_so(name: str) -> None:
    task, config, target = TASKS[name]
    pictures = InputSpec(kind="environment", shape=(1, 8, 8))
    with pytest.raises(ConfigError, match="--scale-observations has no effect on pictures"):
        task(torch.nn.Flatten(), target, config(scale_observations=True), input=pictures)


class Far(Walk):
    """A walk far from 0."""

    def step(self, action: Any) -> Any:
        seen, *rest = super().step(action)
        return seen + 100, *rest


def test_statistics_are_of_the_steps_of_training_and_go_on_after_a_resume() -> None:
    plan = ReplayPlan(capacity=90, warmup=12, every=2, batch=4, steps=1, discount=0.9)

    def sources() -> tuple[Any, Replay]:
        shape = Far().reset(seed=0)[0].shape
        torch.manual_seed(0)
        one = InputSpec(kind="environment", shape=shape)
        torso = PolicyMLP(one, 2, PolicyMLPConfig(hidden=(8,)))
        task = DQN(torso, CHOICE, DQNConfig(scale_observations=True), input=one)
        environments = InProcess(
            Far, 3, encode=lambda seen: np.asarray(seen, np.float32), seed_of=lambda a, b: 100 * a + b
        )
        return task, Replay(environments, acting_of(task), plan, seed=0, device=torch.device("cpu"))

    task, source = sources()
    source.preview()
    norm = task.modules["observations"]
    assert norm.count == 0  # what is looked at beforehand is put back
    batches = iter(source)
    drawn = [next(batches) for _ in range(3)]
    assert norm.count == source.figures["environment_steps"]
    held = torch.from_numpy(source._ring._fields["observation"][: source._ring.filled]).flatten(0, 1)
    torch.testing.assert_close(norm.mean, held.mean(0))
    torch.testing.assert_close(norm.variance, held.var(0, unbiased=False), rtol=1e-3, atol=1e-3)
    assert drawn[-1]["observation"].max() > 10  # kept raw
    other, again = sources()
    other.modules.load_state_dict(copy.deepcopy(task.modules.state_dict()))
    again.load_state_dict(source.state_dict())
    for one, two in zip(itertools.islice(batches, 5), iter(again), strict=False):
        assert all(torch.equal(one[field], two[field]) for field in one.fields)
        assert torch.equal(norm.mean, other.modules["observations"].mean)
        assert torch.equal(norm.variance, other.modules["observations"].variance)
