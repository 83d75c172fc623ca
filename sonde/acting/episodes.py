"""Evaluation in environments of its own: whole episodes from stated seeds, by the likeliest actions or by sampled ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from sonde.acting.deciding import Deciding
from sonde.acting.seeds import SeedRows
from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.dataset import Rows
from sonde.core.seams import Task, abilities_of
from sonde.core.seeds import generator

TOGETHER = 20  # episodes side by side, at most


class Episodes:
    """One pass: a batch of `return` and `length` for each group of episodes, one row an episode.

    make: an environment;  encode: its observation -> array;  seeds: of the episodes
    sampled: whether actions are drawn as in training; else the likeliest is taken
    """

    ends = True
    epoch = 0

    def __init__(
        self,
        make: Callable[[], Any],
        encode: Callable[[Any], np.ndarray],
        acting: Acting,
        *,
        seeds: Sequence[int],
        sampled: bool,
        seed: int,
        device: torch.device,
    ) -> None:
        self._make, self._encode, self._acting = make, encode, acting
        self._seeds, self._sampled, self._seed, self._device = list(seeds), sampled, seed, device
        self._envs: list[Any] = []

    @property
    def batches(self) -> int:
        """Groups of episodes."""
        return -(-len(self._seeds) // TOGETHER)

    def __iter__(self) -> Iterator[Batch]:
        while len(self._envs) < min(TOGETHER, len(self._seeds)):
            self._envs.append(self._make())
        for first in range(0, len(self._seeds), TOGETHER):
            seeds = self._seeds[first : first + TOGETHER]
            returns, lengths = self._played(seeds)
            index = torch.arange(first, first + len(seeds))
            yield Batch({"return": torch.from_numpy(returns), "length": torch.from_numpy(lengths)}, index)

    @torch.no_grad()
    def _played(self, seeds: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """(returns, lengths), (n,) float64 each. Rows of episodes that are over go on being fed, and are not looked at."""
        envs = self._envs[: len(seeds)]
        seen = np.stack([self._encode(env.reset(seed=seed)[0]) for env, seed in zip(envs, seeds, strict=True)])
        random = generator(self._seed, "sample", "episodes", seeds[0], device=self._device) if self._sampled else None
        returns, lengths, going = np.zeros(len(seeds)), np.zeros(len(seeds)), np.ones(len(seeds), bool)
        decide = Deciding(self._acting, len(seeds), self._device)
        while going.any():
            decided = decide(torch.from_numpy(seen).to(self._device), random)
            sent = self._acting.sent(decided["action"])
            plain = sent.tolist() if sent.ndim == 1 else sent
            seen = seen.copy()
            for number in np.flatnonzero(going):
                shown, reward, over, cut, _ = envs[number].step(plain[number])
                seen[number] = self._encode(shown)
                returns[number] += reward
                lengths[number] += 1
                going[number] = not (over or cut)
        return returns, lengths

    def describe(self, index: int) -> str:
        """The episode's seed."""
        return f"the episode of seed {self._seeds[index]}"

    def state_dict(self) -> dict[str, Any]:
        """Nothing: each pass is the same."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to put back."""


def acting_of(task: Task) -> Acting:
    """How a task acts."""
    found = abilities_of(task).acting
    assert found is not None
    return found


def episodes_of(rows: Rows, task: Task, *, seed: int, device: torch.device) -> Episodes:
    """The episodes of a split that is evaluated on. seed: of sampled actions, where the task's setting `act_sampled` says so"""
    assert isinstance(rows, SeedRows)
    acting = acting_of(task)
    return Episodes(
        rows.make, rows.encode, acting, seeds=rows.seeds(), sampled=acting.sampled, seed=seed, device=device
    )
