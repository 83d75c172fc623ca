"""What a policy meets: actions in environments side by side, and what came of each."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.acting.experience.counts import Counts, figures_of
from sonde.acting.experience.deciding import Deciding
from sonde.acting.experience.reward_scale import RewardScale
from sonde.core.acting import Acting, Environments

# T actions in each of n environments


@dataclass(frozen=True, kw_only=True)
class Collected:
    """T actions in each of n environments, one after the other.

    fields:  (T, n, …) "observation", "action" and what else is remembered of a decision
    reward:  (T, n), as they are learned from;  terminated, ended: (T, n) bool, see `Transition`
    began:   (T, n) bool, whether the episode began with that observation
    following: (T, n) value of what followed each action in the same episode; 0 of a task that estimates none
    memory:  (n, …) what was remembered before the first; None of a policy that remembers nothing
    """

    fields: dict[str, Tensor]
    reward: Tensor
    terminated: Tensor
    ended: Tensor
    began: Tensor
    following: Tensor
    memory: Tensor | None


class Collector:
    """Acts, and keeps what comes of it. The state is where the environments stand and what is carried on from there."""

    def __init__(
        self, environments: Environments, acting: Acting, *, device: torch.device, rewards: RewardScale | None = None
    ) -> None:
        self.environments, self._acting, self._device, self._rewards = environments, acting, device, rewards
        self._observation: np.ndarray | None = None
        self._began = np.ones(environments.count, bool)
        self._deciding = Deciding(acting, environments.count, device)
        self._counts = Counts(environments.count)
        self.steps = 0  # of each environment so far
        self.seconds = {"environment": 0.0, "policy": 0.0}

    @property
    def figures(self) -> dict[str, float]:
        """For the log: steps of the environments so far, and returns and lengths of the episodes that ended lately."""
        return {
            "environment_steps": self.steps * self.environments.count,
            **self._counts.figures,
            **figures_of(self._acting),
        }

    def begin(self) -> None:
        """Begin an episode in each environment, wherever it stands."""
        self._observation = self.environments.reset()
        self._began = np.ones(self.environments.count, bool)
        self._counts.drop()
        if self._rewards is not None:
            self._rewards.begin()
        self._deciding.forget(self._began)

    @torch.no_grad()
    def collect(self, random: torch.Generator, last: Callable[[int, np.ndarray], bool]) -> Collected:
        """Act on until `last` says so. last: (actions so far, whether an episode ended with the latest (n,)) -> stop"""
        if self._observation is None:
            self.begin()
        memory = self._deciding.memory
        kept: list[dict[str, Tensor]] = []
        rewards, terminated, ended, began = [], [], [], []
        cut: list[
            tuple[int, int, float]
        ] = []  # (step, environment, value of its last observation) of truncated episodes
        clock = time.perf_counter()
        while True:
            seen = self._tensor(self._observation)
            decided = self._deciding(seen, random)
            sent = self._acting.sent(decided["action"])
            clock = self._spent("policy", clock)
            found = self.environments.step(sent)
            clock = self._spent("environment", clock)
            kept.append({"observation": seen, **decided})
            rewards.append(found.reward)
            terminated.append(found.terminated)
            ended.append(found.ended)
            began.append(self._began)
            if found.truncated.any():
                cut += self._cut(len(rewards) - 1, found.truncated, found.following)
            self._began = found.ended
            self._deciding.forget(found.ended)
            self._counts.add(found)
            self._observation = found.observation
            self.steps += 1
            if last(len(rewards), found.ended):
                break
        fields = {name: torch.stack([each[name] for each in kept]) for name in kept[0]}
        collected = self._told(
            fields, np.stack(rewards), np.stack(terminated), np.stack(ended), np.stack(began), cut, memory
        )
        self._spent("policy", clock)
        return collected

    def _cut(self, step: int, truncated: np.ndarray, following: np.ndarray) -> list[tuple[int, int, float]]:
        """What would have followed where episodes were cut off, worth 0 to a task that does not say."""
        numbers = np.flatnonzero(truncated)
        if self._acting.value is None:
            return []
        rows = torch.from_numpy(numbers).to(self._device)
        worth = self._deciding.value(self._tensor(following[numbers]), rows).tolist()
        return [(step, number, value) for number, value in zip(numbers.tolist(), worth, strict=True)]

    def _told(
        self,
        fields: dict[str, Tensor],
        reward: np.ndarray,
        terminated: np.ndarray,
        ended: np.ndarray,
        began: np.ndarray,
        cut: list[tuple[int, int, float]],
        memory: Tensor | None,
    ) -> Collected:
        if self._acting.judged is not None:
            judged = self._acting.judged(fields["observation"].flatten(0, 1), fields["action"].flatten(0, 1))
            fields |= {name: value.unflatten(0, reward.shape) for name, value in judged.items()}
        following = torch.zeros(reward.shape, device=self._device)
        if self._acting.value is not None:
            value = fields["value"]
            following = torch.cat([value[1:], self._deciding.value(self._tensor(self._observation))[None]])
            for step, number, worth in cut:
                following[step, number] = worth
        if self._rewards is not None:
            reward = self._rewards.scaled(reward, ended)
            if self._acting.rescaled is not None:
                self._acting.rescaled(self._rewards.scale)
        return Collected(
            fields=fields,
            reward=self._tensor(reward).to(following.dtype),
            terminated=self._tensor(terminated),
            ended=self._tensor(ended),
            began=self._tensor(began),
            following=following,
            memory=memory,
        )

    def _spent(self, on: str, since: float) -> float:
        now = time.perf_counter()
        self.seconds[on] += now - since
        return now

    def _tensor(self, values: np.ndarray | None) -> Tensor:
        assert values is not None
        return torch.from_numpy(values).to(self._device)

    def state_dict(self) -> dict[str, Any]:
        """Where the environments stand, and what is carried on."""
        state: dict[str, Any] = {"steps": self.steps, "counts": self._counts.state_dict()}
        if self._rewards is not None:
            state["rewards"] = self._rewards.state_dict()
        if self._observation is not None:
            state["environments"] = dict(self.environments.state_dict())
            state["began"] = torch.from_numpy(self._began.copy())
        if self._deciding.memory is not None:
            state["memory"] = self._deciding.memory
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self.steps = int(state["steps"])
        self._counts.load_state_dict(state["counts"])
        if self._rewards is not None:
            self._rewards.load_state_dict(state["rewards"])
        if "memory" in state:
            self._deciding.memory = state["memory"].to(self._device)
        self._observation = None
        if "environments" in state:
            self._observation = self.environments.load_state_dict(state["environments"])
            self._began = state["began"].cpu().numpy().copy()
