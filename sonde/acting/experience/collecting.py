"""What a policy meets: actions in environments side by side, and what came of each."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.acting.experience.counts import Counts, figures_of
from sonde.acting.experience.deciding import Deciding
from sonde.acting.experience.reward_scale import RewardScale
from sonde.core.acting import Acting, Environments
from sonde.core.pace import LeftOff, never

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

    def repeated(self, length: int) -> "Collected":
        """The same actions again and again, up to so many."""
        rows = torch.arange(length, device=self.reward.device) % len(self.reward)
        columns = {name: getattr(self, name)[rows] for name in OF_ACTIONS}
        return replace(self, fields={name: values[rows] for name, values in self.fields.items()}, **columns)


OF_ACTIONS = ("reward", "terminated", "ended", "began", "following")


@dataclass(kw_only=True)
class _Part:
    """What was collected so far, a step each.

    random: state of the generator that actions are drawn by;  memory: see `Collected`
    cut:    (step, environment, value of its last observation) of truncated episodes
    """

    random: Tensor
    memory: Tensor | None
    fields: list[dict[str, Tensor]] = field(default_factory=list)
    reward: list[np.ndarray] = field(default_factory=list)
    terminated: list[np.ndarray] = field(default_factory=list)
    ended: list[np.ndarray] = field(default_factory=list)
    began: list[np.ndarray] = field(default_factory=list)
    cut: list[tuple[int, int, float]] = field(default_factory=list)

    def stacked(self) -> dict[str, Tensor]:
        """(T, n, …) each; nothing before the first step."""
        names = self.fields[0] if self.fields else ()
        return {name: torch.stack([each[name] for each in self.fields]) for name in names}

    def state_dict(self) -> dict[str, Any]:
        """All of it."""
        arrays = {
            name: torch.from_numpy(np.stack(values))
            for name in ("reward", "terminated", "ended", "began")
            if (values := getattr(self, name))
        }
        places = torch.tensor([(step, number) for step, number, _ in self.cut], dtype=torch.int64).view(-1, 2)
        worth = torch.tensor([worth for _, _, worth in self.cut], dtype=torch.float64)
        memory = {} if self.memory is None else {"memory": self.memory}
        return {"fields": self.stacked(), **arrays, "cut_at": places, "cut": worth, "random": self.random, **memory}

    @staticmethod
    def of(state: Mapping[str, Any], device: torch.device) -> "_Part":
        """The inverse."""
        memory = state["memory"].to(device) if "memory" in state else None
        part = _Part(random=state["random"].cpu(), memory=memory)
        columns = {name: values.to(device) for name, values in state["fields"].items()}
        steps = len(next(iter(columns.values()))) if columns else 0
        part.fields = [{name: values[step] for name, values in columns.items()} for step in range(steps)]
        for name in ("reward", "terminated", "ended", "began"):
            setattr(part, name, list(state[name].cpu().numpy().copy()) if name in state else [])
        places = state["cut_at"].tolist()
        part.cut = [(step, number, worth) for (step, number), worth in zip(places, state["cut"].tolist(), strict=True)]
        return part


class Collector:
    """Acts, and keeps what comes of it. The state is where the environments stand and what is carried on from there, and where it
    left off in the middle of a collection what that has so far."""

    def __init__(
        self, environments: Environments, acting: Acting, *, device: torch.device, rewards: RewardScale | None = None
    ) -> None:
        self.environments, self._acting, self._device, self._rewards = environments, acting, device, rewards
        self._observation: np.ndarray | None = None
        self._began = np.ones(environments.count, bool)
        self._deciding = Deciding(acting, environments.count, device)
        self._counts = Counts(environments.count)
        self._part: _Part | None = None
        self.leave_off: Callable[[], bool] = never
        self.steps = 0  # of each environment so far
        self._actions = 0  # of those, since this object was made
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

    @property
    def collecting(self) -> bool:
        """Whether it left off in the middle of a collection, which is gone on with next."""
        return self._part is not None

    def ended(self) -> np.ndarray:
        """(n,) episodes that ended so far in the collection that is gone on with."""
        ended = [] if self._part is None else self._part.ended
        return np.stack(ended).sum(0) if ended else np.zeros(self.environments.count, np.int64)

    @torch.no_grad()
    def collect(self, random: torch.Generator, last: Callable[[int, np.ndarray], bool]) -> Collected:
        """Act on until `last` says so. last: (actions so far, whether an episode ended with the latest (n,)) -> stop

        Where it left off before, it goes on, whatever the state of `random`. Raises: LeftOff
        """
        if self._observation is None:
            self.begin()
        if self._part is None:
            self._part = _Part(random=random.get_state(), memory=self._deciding.memory)
        else:
            random.set_state(self._part.random)
        part, clock, done = self._part, time.perf_counter(), False
        while not done:
            if self.leave_off():
                part.random = random.get_state()
                taken, count = len(part.reward), self.environments.count
                raise LeftOff(f"{taken * count:,} steps of the environments were taken for the next update")
            seen = self._tensor(self._observation)
            decided = self._deciding(seen, random)
            sent = self._acting.sent(decided["action"]).numpy(force=True)
            clock = self._spent("policy", clock)
            found = self.environments.step(sent)
            clock = self._spent("environment", clock)
            part.fields.append({"observation": seen, **decided})
            part.reward.append(found.reward)
            part.terminated.append(found.terminated)
            part.ended.append(found.ended)
            part.began.append(self._began)
            if found.truncated.any():
                part.cut += self._cut(len(part.reward) - 1, found.truncated, found.following)
            self._began = found.ended
            self._deciding.forget(found.ended)
            self._counts.add(found)
            self._observation = found.observation
            self.steps, self._actions = self.steps + 1, self._actions + 1
            done = last(len(part.reward), found.ended)
        self._part = None
        collected = self._told(part)
        self._spent("policy", clock)
        return collected

    def preview(self, last: Callable[[int, np.ndarray], bool]) -> tuple[Collected, float]:
        """(what a few actions come to, seconds that an action in each environment takes); all is put back.

        last: as of `collect`, for few. Rewards are as the environments give them, since what scales them is not to learn of it
        """
        before, times, rewards = self.state_dict(), [], self._rewards

        def noted(taken: int, ended: np.ndarray) -> bool:
            times.append(time.perf_counter())
            return last(taken, ended)

        try:
            self._rewards, begun = None, time.perf_counter()
            random = torch.Generator(device=self._device).manual_seed(0)
            self.begin()
            found = self.collect(random, noted)
        finally:
            self._rewards = rewards
            self.load_state_dict(before)
            self.seconds.update(dict.fromkeys(self.seconds, 0.0))
            self._actions = 0
        return found, float(np.median(np.diff([begun, *times])))

    @property
    def action_s(self) -> float:
        """Seconds that an action in each environment takes, with all about it, by those of this object; 0 before the first."""
        return sum(self.seconds.values()) / self._actions if self._actions else 0.0

    def _cut(self, step: int, truncated: np.ndarray, following: np.ndarray) -> list[tuple[int, int, float]]:
        """What would have followed where episodes were cut off, worth 0 to a task that does not say."""
        numbers = np.flatnonzero(truncated)
        if self._acting.value is None:
            return []
        rows = torch.from_numpy(numbers).to(self._device)
        worth = self._deciding.value(self._tensor(following[numbers]), rows).tolist()
        return [(step, number, value) for number, value in zip(numbers.tolist(), worth, strict=True)]

    def _told(self, part: _Part) -> Collected:
        fields, reward, ended = part.stacked(), np.stack(part.reward), np.stack(part.ended)
        if self._acting.judged is not None:
            judged = self._acting.judged(fields["observation"].flatten(0, 1), fields["action"].flatten(0, 1))
            fields |= {name: value.unflatten(0, reward.shape) for name, value in judged.items()}
        following = torch.zeros(reward.shape, device=self._device)
        if self._acting.value is not None:
            value = fields["value"]
            following = torch.cat([value[1:], self._deciding.value(self._tensor(self._observation))[None]])
            for step, number, worth in part.cut:
                following[step, number] = worth
        if self._rewards is not None:
            reward = self._rewards.scaled(reward, ended)
            if self._acting.rescaled is not None:
                self._acting.rescaled(self._rewards.scale)
        return Collected(
            fields=fields,
            reward=self._tensor(reward).to(following.dtype),
            terminated=self._tensor(np.stack(part.terminated)),
            ended=self._tensor(ended),
            began=self._tensor(np.stack(part.began)),
            following=following,
            memory=part.memory,
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
        if self._part is not None:
            state["part"] = self._part.state_dict()
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self.steps = int(state["steps"])
        self._counts.load_state_dict(state["counts"])
        if self._rewards is not None:
            self._rewards.load_state_dict(state["rewards"])
        if "memory" in state:
            self._deciding.memory = state["memory"].to(self._device)
        self._part = _Part.of(state["part"], self._device) if "part" in state else None
        self._observation = None
        if "environments" not in state:
            self.environments.rewind()
        else:
            self._observation = self.environments.load_state_dict(state["environments"])
            self._began = state["began"].cpu().numpy().copy()
