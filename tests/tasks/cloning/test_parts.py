"""Actions of several parts, cloned from what was logged in their environment."""

import math
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium import spaces
from torch import nn

import sonde
from sonde.core.batch import Batch
from sonde.core.dataset import InputSpec, TargetSpec
from sonde.core.errors import DataError
from sonde.tasks.cloning.config import CloningConfig
from sonde.tasks.cloning.task import Cloning

TARGET = TargetSpec(kind="logged-actions", names=("a", "b"), shape=(3, 2), mean=(5.0, 0.0), std=(1.0, 1.0))


class Pair(gymnasium.Env[np.ndarray, Any]):
    """Each part that is as the observation has it earns 1, in three steps."""

    observation_space = spaces.MultiBinary(2)
    action_space = spaces.MultiDiscrete([3, 2], start=[5, 0])

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self._left = 3
        return self._next(), {}

    def step(self, action: Any) -> tuple[np.ndarray, float, bool, bool, dict]:
        assert self.action_space.contains(action)
        earned = float((np.asarray(action) == self._seen + [5, 0]).sum())
        self._left -= 1
        return self._next(), earned, self._left == 0, False, {}

    def _next(self) -> np.ndarray:
        self._seen = self.np_random.integers(0, 2, 2, dtype=np.int8)
        return self._seen


class Constant(nn.Module):
    features = 1

    def forward(self, seen: torch.Tensor) -> torch.Tensor:
        return torch.ones(len(seen), 1)


def test_each_part_becomes_as_likely_as_it_is_in_the_log() -> None:
    torch.manual_seed(0)
    one = Cloning(Constant(), TARGET, CloningConfig(), input=InputSpec(kind="environment", shape=(2,)))
    taken = torch.tensor([[0, 1]] * 5 + [[2, 1]] * 3 + [[2, 0]] * 2)
    batch = Batch({"input": torch.zeros(10, 2), "target": taken}, torch.arange(10))
    optimizer = torch.optim.Adam(one.modules.parameters(), lr=0.05)
    for _ in range(500):
        optimizer.zero_grad()
        one.loss(batch).value.backward()  # type: ignore[union-attr]
        optimizer.step()
    found = one.evaluate(batch)
    expected = math.log(0.5) + 0.8 * math.log(0.8) + 0.2 * math.log(0.2)  # 5 of each first part, 8 and 2 of the second
    assert found["log_likelihood"].mean().item() == pytest.approx(expected, abs=2e-3)
    assert one.sent(torch.tensor([[2, 1]])).tolist() == [[7, 1]]
    what, known = one.trivial_baseline({"target": taken}, {"target": taken})
    assert (what, known["accuracy"]) == ("always action [5, 1]", 0.5)  # both parts as they were


def test_a_log_of_an_environment_is_cloned_and_played(tmp_path: Path) -> None:
    """As `sonde eval --log` writes it: actions as they were sent."""
    env, name, rows = Pair(), "env:tests.tasks.cloning.test_parts:Pair", []
    for seed in range(30):
        seen, over = env.reset(seed=seed)[0], False
        while not over:
            taken = np.asarray(seen + [5, 0], np.int64)
            before = seen
            seen, _, over, *_ = env.step(taken)
            rows.append((before, taken, over))
    observations, actions, terminated = (np.array(each) for each in zip(*rows, strict=True))
    held = {"observations": observations, "terminated": terminated, "truncated": 0 * terminated, "environment": name}
    np.savez(tmp_path / "log.npz", actions=actions.astype(float), **held)  # whole numbers, whatever they are stored as
    small: dict[str, Any] = {"quiet": True, "threads": 1, "episodes": 2, "test_episodes": 5, "films": False}
    run = sonde.train(tmp_path / "log.npz", steps=60, lr=0.05, hidden=(8,), out=tmp_path / "run", **small)
    assert run.metrics["return"] == 6
    assert run.policy()(np.array([1, 0], np.int8)).tolist() == [6, 0]
    np.savez(tmp_path / "wrong.npz", actions=actions - [5, 0], **held)
    with pytest.raises(DataError, match=r"has action \d in row 0 as its action 0; there are 5 to 7"):
        sonde.train(tmp_path / "wrong.npz", out=tmp_path / "none", **small)
