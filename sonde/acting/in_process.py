"""Environments that step one after the other in this process, each episode from a seed of its own.

Because every episode has a seed, where an environment stands is told by that seed and the actions since: it is played again to
resume, whatever the environment keeps inside.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.acting.config import EnvironmentConfig
from sonde.acting.seeds import SeedRows, training_seed
from sonde.core.acting import Environments, Transition
from sonde.core.config import TrainConfig
from sonde.core.dataset import Rows
from sonde.core.errors import RunFolderError

Encode = Callable[[Any], np.ndarray]


class InProcess:
    """n environments of gymnasium.

    make:   an environment;  encode: its observation -> array
    seed_of: (number of the environment, of its episode), both from 0 -> the seed of that episode
    """

    def __init__(
        self, make: Callable[[], Any], count: int, *, encode: Encode, seed_of: Callable[[int, int], int]
    ) -> None:
        self._envs = [make() for _ in range(count)]
        self._encode, self._seed_of = encode, seed_of
        self._episode = [0] * count
        self._taken: list[list[Any]] = [[] for _ in range(count)]  # actions since each episode began
        self._seen: np.ndarray = np.empty(0)

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._envs)

    def reset(self) -> np.ndarray:
        """The first observations of the first episodes."""
        self._episode = [0] * self.count
        self._seen = np.stack([self._begin(number) for number in range(self.count)])
        return self._seen

    def _begin(self, number: int) -> np.ndarray:
        """Start an environment's episode. Returns what it shows."""
        self._taken[number] = []
        seen, _ = self._envs[number].reset(seed=self._seed_of(number, self._episode[number]))
        return self._encode(seen)

    def step(self, actions: np.ndarray) -> Transition:
        """Take one action in each; an episode that ends is followed by the next."""
        count = self.count
        reward = np.empty(count)
        terminated, truncated = np.zeros(count, bool), np.zeros(count, bool)
        following, begun = [], []
        plain = actions.tolist() if actions.ndim == 1 else actions
        for number, env in enumerate(self._envs):
            action = plain[number]
            self._taken[number].append(action)
            seen, reward[number], over, cut, _ = env.step(action)
            following.append(self._encode(seen))
            if over or cut:
                terminated[number], truncated[number] = over, cut and not over
                begun.append(number)
        after = np.stack(following)
        observation = after
        if begun:
            observation = after.copy()
            for number in begun:
                self._episode[number] += 1
                observation[number] = self._begin(number)
        self._seen = observation
        return Transition(reward, terminated, truncated, after, observation)

    def state_dict(self) -> dict[str, Tensor]:
        """The episode of each, the actions in it so far, one environment behind the other, and what they show."""
        taken = [np.asarray(action) for actions in self._taken for action in actions]
        return {
            "episode": torch.tensor(self._episode),
            "length": torch.tensor([len(actions) for actions in self._taken]),
            "actions": torch.from_numpy(np.stack(taken)) if taken else torch.empty(0),
            "seen": torch.from_numpy(self._seen.copy()),
        }

    def load_state_dict(self, state: Mapping[str, Tensor]) -> np.ndarray:
        """Play the episodes again up to where they were. Raises: RunFolderError where an environment then shows something else"""
        self._episode = state["episode"].tolist()
        lengths: Sequence[int] = state["length"].tolist()
        actions, first, shown = state["actions"].numpy(), 0, []
        for number, length in enumerate(lengths):
            seen = self._begin(number)
            played = actions[first : first + length]
            for action in played.tolist() if played.ndim == 1 else played:
                seen = self._encode(self._envs[number].step(action)[0])
                self._taken[number].append(action)
            first += length
            shown.append(seen)
        self._seen = np.stack(shown)
        if not np.array_equal(self._seen, state["seen"].numpy(), equal_nan=True):
            raise RunFolderError(
                "the environment shows something else when the same episode is played again from its seed, so this run cannot be "
                "resumed exactly; start over with --fresh"
            )
        return self._seen

    def close(self) -> None:
        """Close each."""
        for env in self._envs:
            env.close()


def trained_in(splits: Mapping[str, Rows], config: TrainConfig) -> Environments:
    """The environments that a run trains in, side by side."""
    rows, seed, count = splits["train"], config.machine.seed, config.data.of(EnvironmentConfig).environments
    assert isinstance(rows, SeedRows)
    return InProcess(
        rows.make,
        count,
        encode=rows.encode,
        seed_of=lambda environment, episode: training_seed(seed, environment, episode),
    )
