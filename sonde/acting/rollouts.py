"""Experience of the policy as it stands: collect a rollout, learn from it for a few passes, collect the next."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.acting.advantages import advantages
from sonde.acting.counts import Counts
from sonde.core.acting import Acting, Environments
from sonde.core.batch import Batch
from sonde.core.seeds import generator


@dataclass(frozen=True, kw_only=True)
class RolloutPlan:
    """How much is collected, and how often it is learned from.

    length: actions in each environment;  passes: over all transitions, each in a random order;  batch: transitions of an update
    """

    length: int
    passes: int
    batch: int
    discount: float
    gae_lambda: float


class Rollouts:
    """Batches without end of `observation`, `action` and what else the policy remembered, `advantage` and `return`.

    The state is the rollout that is being learned from, and where the environments stand. Random streams are named by the number
    of the rollout, so they need no state.
    """

    ends = False
    batches = None

    def __init__(
        self, environments: Environments, acting: Acting, plan: RolloutPlan, *, seed: int, device: torch.device
    ) -> None:
        self._environments, self._acting, self._plan = environments, acting, plan
        self._seed, self._device = seed, device
        self._observation: np.ndarray | None = None
        self._rollout: dict[str, Tensor] = {}
        self._number = -1  # of the rollout, from 0
        self._place = 0  # batches of it that were taken
        self._counts = Counts(environments.count)
        self.seconds = {"environment": 0.0, "policy": 0.0}

    @property
    def epoch(self) -> int:
        """Number of the rollout that the next batch is of."""
        return max(0, self._number)

    @property
    def _per_rollout(self) -> int:
        plan = self._plan
        return plan.passes * -(-plan.length * self._environments.count // plan.batch)

    @property
    def figures(self) -> dict[str, float]:
        """For the log: steps of the environments so far, and returns and lengths of the episodes that ended lately."""
        taken = (self._number + 1) * self._plan.length * self._environments.count
        return {"environment_steps": taken, **self._counts.figures}

    def __iter__(self) -> Iterator[Batch]:
        while True:
            if self._number < 0 or self._place == self._per_rollout:
                self._collect()
            self._place += 1
            yield self._batch(self._place - 1)

    def describe(self, index: int) -> str:
        """Where a transition comes from."""
        step, number = divmod(index, self._environments.count)
        return f"step {step:,} of environment {number}"

    def _batch(self, place: int) -> Batch:
        rows = self._plan.length * self._environments.count
        each = self._per_rollout // self._plan.passes
        turn, part = divmod(place, each)
        order = torch.randperm(rows, generator=generator(self._seed, "shuffle", self._number, turn))
        chosen = order[part * self._plan.batch : (part + 1) * self._plan.batch]
        return Batch({name: values[chosen] for name, values in self._rollout.items()}, chosen + self._number * rows)

    @torch.no_grad()
    def _collect(self) -> None:
        acting, environments, plan = self._acting, self._environments, self._plan
        if self._observation is None:
            self._observation = environments.reset()
        if self._rollout and acting.observed is not None:
            acting.observed(self._rollout["observation"])
        self._number, self._place = self._number + 1, 0
        random = generator(self._seed, "sample", self._number, device=self._device)
        kept: dict[str, list[Tensor]] = {}
        reward = np.empty((plan.length, environments.count))
        terminated, ended = np.empty(reward.shape, bool), np.empty(reward.shape, bool)
        cut: list[tuple[int, int, np.ndarray]] = []  # (step, environment, last observation) of truncated episodes
        begun = time.perf_counter()
        for step in range(plan.length):
            seen = self._tensor(self._observation)
            decided = acting.act(seen, random)
            kept.setdefault("observation", []).append(seen)
            for name, value in decided.items():
                kept.setdefault(name, []).append(value)
            sent = acting.sent(decided["action"])
            middle = time.perf_counter()
            found = environments.step(sent)
            now = time.perf_counter()
            self.seconds["policy"] += middle - begun
            self.seconds["environment"] += now - middle
            begun = now
            reward[step], terminated[step], ended[step] = found.reward, found.terminated, found.ended
            if found.truncated.any():
                cut += [(step, number, found.following[number]) for number in np.flatnonzero(found.truncated).tolist()]
            self._counts.add(found)
            self._observation = found.observation
        self._rollout = self._learned(kept, reward, terminated, ended, cut)
        self.seconds["policy"] += time.perf_counter() - begun

    def _learned(
        self,
        kept: Mapping[str, list[Tensor]],
        reward: np.ndarray,
        terminated: np.ndarray,
        ended: np.ndarray,
        cut: list[tuple[int, int, np.ndarray]],
    ) -> dict[str, Tensor]:
        """The transitions, one row each, with their advantages and returns."""
        fields = {name: torch.stack(values) for name, values in kept.items()}
        value_of, plan = self._acting.value, self._plan
        rewards = torch.from_numpy(reward).to(self._device, torch.float32)
        if value_of is None:
            value = following = torch.zeros_like(rewards)
        else:
            assert self._observation is not None
            value = fields["value"]
            following = torch.cat([value[1:], value_of(self._tensor(self._observation))[None]])
            if cut:
                steps, numbers = [step for step, _, _ in cut], [number for _, number, _ in cut]
                following[steps, numbers] = value_of(self._tensor(np.stack([last for _, _, last in cut])))
        advantage = advantages(
            rewards,
            value,
            following,
            terminated=torch.from_numpy(terminated).to(self._device),
            ended=torch.from_numpy(ended).to(self._device),
            discount=plan.discount,
            gae_lambda=plan.gae_lambda,
        )
        fields |= {"advantage": advantage, "return": advantage + value}
        return {name: values.flatten(0, 1) for name, values in fields.items()}

    def _tensor(self, observation: np.ndarray) -> Tensor:
        return torch.from_numpy(observation).to(self._device)

    def state_dict(self) -> dict[str, Any]:
        """Where the environments stand, and the rollout."""
        if self._number < 0:
            return {"number": -1, "place": 0, "counts": self._counts.state_dict()}
        return {
            "number": self._number,
            "place": self._place,
            "rollout": dict(self._rollout),
            "environments": dict(self._environments.state_dict()),
            "counts": self._counts.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put them back."""
        self._number, self._place = int(state["number"]), int(state["place"])
        self._counts.load_state_dict(state["counts"])
        if self._number < 0:
            self._observation, self._rollout = None, {}
            return
        self._rollout = {name: value.to(self._device) for name, value in state["rollout"].items()}
        self._observation = self._environments.load_state_dict(state["environments"])
