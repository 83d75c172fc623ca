"""The latest transitions of environments side by side, from which any number of steps may follow one another."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.acting.experience.frame_store import Frames
from sonde.core.acting import Transition


class Ring:
    """Up to `capacity` transitions of each of n environments, the oldest overwritten first.

    An observation is stored once: what follows a step is what the next was taken on, and where an episode was cut off, its last
    observation is kept beside.

    frames: pictures that an observation is made of, where it is some; see `sonde.acting.experience.frame_store`
    """

    def __init__(self, capacity: int, count: int, *, frames: int = 1) -> None:
        self.capacity, self.count = capacity, count
        self._frames = Frames(capacity, count, frames) if frames > 1 else None
        self.written = 0  # steps of each environment so far
        self._fields: dict[str, np.ndarray] = {}
        self._reward = np.zeros((capacity, count), np.float32)
        self._terminated = np.zeros((capacity, count), bool)
        self._ended = np.zeros((capacity, count), bool)
        self._last: dict[
            tuple[int, int], np.ndarray
        ] = {}  # (step, environment) -> last observation of a truncated episode

    @property
    def filled(self) -> int:
        """Steps of each environment that it holds."""
        return min(self.written, self.capacity)

    def add(self, observation: np.ndarray, action: np.ndarray, found: Transition) -> None:
        """Take a step of all environments. observation: what was acted on;  action: as it is remembered"""
        place = self.written % self.capacity
        if self._frames is not None:
            self._frames.add(self.written, observation)
        whole = {"observation": observation, "action": action} if self._frames is None else {"action": action}
        for name, value in whole.items():
            if name not in self._fields:
                self._fields[name] = np.zeros((self.capacity, *value.shape), value.dtype)
            self._fields[name][place] = value
        self._reward[place], self._terminated[place], self._ended[place] = found.reward, found.terminated, found.ended
        if self._last:
            for number in range(self.count):
                self._last.pop((self.written - self.capacity, number), None)
        for number in np.flatnonzero(found.truncated).tolist():
            self._last[self.written, number] = found.following[number].copy()
        self.written += 1

    def draw(self, number: int, steps: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """(steps, environments), each (number,): transitions that `steps` others, or an episode's end, are known to follow."""
        oldest = self.written - self.filled
        chosen = random.integers(oldest, self.written - steps, number)
        return chosen, random.integers(0, self.count, number)

    def read(self, first: np.ndarray, envs: np.ndarray, *, steps: int, discount: float) -> dict[str, np.ndarray]:
        """Transitions over up to `steps` steps, each ending where its episode does.

        reward: (B,) discounted sum;  discount: (B,) what the value of `following` counts for, 0 where the episode was terminated
        """
        total, factor = np.zeros(len(first), np.float32), np.ones(len(first), np.float32)
        going, taken = np.ones(len(first), bool), first.copy()
        for step in range(steps):
            at = (first + step) % self.capacity
            total += np.where(going, factor * self._reward[at, envs], 0).astype(np.float32)
            factor = np.where(going, factor * discount, factor).astype(np.float32)
            taken = np.where(going, first + step, taken)
            going &= ~self._ended[at, envs]
        at = taken % self.capacity
        following = self._observations(taken + 1, envs)
        cut = self._ended[at, envs] & ~self._terminated[at, envs]
        for row in np.flatnonzero(cut):
            following[row] = self._last[int(taken[row]), int(envs[row])]
        place = first % self.capacity
        return {
            "observation": self._observations(first, envs),
            "action": self._fields["action"][place, envs],
            "reward": total,
            "following": following,
            "discount": factor * ~self._terminated[at, envs],
        }

    def _observations(self, steps: np.ndarray, envs: np.ndarray) -> np.ndarray:
        """(B, *shape) what was acted on at these steps."""
        if self._frames is not None:
            return self._frames.read(steps, envs)
        return self._fields["observation"][steps % self.capacity, envs]

    def state_dict(self) -> dict[str, Any]:
        """What it holds."""
        kept = list(self._last.items())
        return {
            "written": self.written,
            "fields": {name: torch.from_numpy(value[: self.filled].copy()) for name, value in self._fields.items()},
            "reward": torch.from_numpy(self._reward[: self.filled].copy()),
            "terminated": torch.from_numpy(self._terminated[: self.filled].copy()),
            "ended": torch.from_numpy(self._ended[: self.filled].copy()),
            "frames": {} if self._frames is None else self._frames.state_dict(self.written),
            "last_at": torch.tensor([place for place, _ in kept], dtype=torch.int64).view(-1, 2),
            "last": torch.from_numpy(np.stack([seen for _, seen in kept])) if kept else torch.empty(0),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self.written = int(state["written"])
        if self._frames is not None:
            self._frames.load_state_dict(state["frames"])
        self._fields = {name: self._whole(value) for name, value in state["fields"].items()}
        self._reward, self._terminated = self._whole(state["reward"]), self._whole(state["terminated"])
        self._ended = self._whole(state["ended"])
        places = [(int(step), int(number)) for step, number in state["last_at"].tolist()]
        self._last = dict(zip(places, state["last"].numpy().copy(), strict=True)) if places else {}

    def _whole(self, part: Tensor) -> np.ndarray:
        found = np.zeros((self.capacity, *part.shape[1:]), part.numpy().dtype)
        found[: len(part)] = part.numpy()
        return found
