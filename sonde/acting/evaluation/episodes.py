"""Evaluation in environments of its own: whole episodes from stated seeds, by the likeliest actions or by sampled ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sonde.acting.evaluation.recorder import Recorder
from sonde.acting.experience.deciding import Deciding
from sonde.acting.seeds import SeedRows
from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.bounds import flag
from sonde.core.dataset import Rows
from sonde.core.errors import DataError
from sonde.core.seams import Task, abilities_of
from sonde.core.seeds import generator

TOGETHER = 20  # episodes side by side, at most
LONGEST = 100_000  # steps after which an episode that goes on is taken for one without an end
KEPT = 5_000  # actions of each episode that are kept, to play it again


class Episodes:
    """One pass: a batch of `return` and `length` for each group of episodes, one row an episode.

    Of a task that estimates values also `expected_return`, the value of the first observation, and `bootstrapped_return`, what
    the episode returned, discounted as values are; where it was cut off, with the value of its last observation for what would
    have followed, so that it may lie above the return.

    make: an environment;  encode: its observation -> array;  seeds: of the episodes
    sampled: whether actions are drawn as in training; else the likeliest is taken
    """

    ends = True
    epoch = 0
    played = True

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
        self.recorder: Recorder | None = None  # of what is played, where that is kept
        self.taken: dict[int, np.ndarray] = {}  # number of an episode -> its first `KEPT` actions in the last pass

    @property
    def batches(self) -> int:
        """Groups of episodes."""
        return -(-len(self._seeds) // TOGETHER)

    def __iter__(self) -> Iterator[Batch]:
        while len(self._envs) < min(TOGETHER, len(self._seeds)):
            self._envs.append(self._make())
        for first in range(0, len(self._seeds), TOGETHER):
            seeds = self._seeds[first : first + TOGETHER]
            found = self._played(seeds, first)
            index = torch.arange(first, first + len(seeds))
            yield Batch({name: torch.from_numpy(values) for name, values in found.items()}, index)

    @torch.no_grad()
    def _played(self, seeds: Sequence[int], first: int) -> dict[str, np.ndarray]:
        """(n,) float64 each. Rows of episodes that are over go on being fed, and are not looked at. first: number of the first"""
        envs = self._envs[: len(seeds)]
        seen = np.stack([self._encode(env.reset(seed=seed)[0]) for env, seed in zip(envs, seeds, strict=True)])
        random = generator(self._seed, "sample", "episodes", seeds[0], device=self._device) if self._sampled else None
        returns, lengths, going = np.zeros(len(seeds)), np.zeros(len(seeds)), np.ones(len(seeds), bool)
        discounted, factor, discount = np.zeros(len(seeds)), np.ones(len(seeds)), self._acting.discount
        decide = Deciding(self._acting, len(seeds), self._device)
        expected, cut_off = self._value(decide, seen), np.zeros(len(seeds), bool)
        taken: list[np.ndarray] = []
        steps = 0
        while going.any():
            steps += 1
            if steps > LONGEST:
                raise DataError(
                    f"the episode of seed {seeds[int(going.argmax())]} goes on after {LONGEST:,} steps of an evaluation; "
                    f"where episodes have no end, {flag('max_episode_steps')} cuts them off"
                )
            before = decide.memory
            decided = decide(torch.from_numpy(seen).to(self._device), random)
            decide.hold(before, ~going)
            sent = self._acting.sent(decided["action"])
            if len(taken) < KEPT:
                taken.append(sent)
            plain = sent.tolist() if sent.ndim == 1 else sent
            acted_on, seen = seen, seen.copy()
            for number in np.flatnonzero(going):
                shown, reward, over, cut, _ = envs[number].step(plain[number])
                seen[number] = self._encode(shown)
                if self.recorder is not None:
                    done = {"terminated": over, "truncated": cut, "following": seen[number]}
                    self.recorder.took(first + int(number), acted_on[number], sent[number], reward, **done)
                returns[number] += reward
                discounted[number] += factor[number] * reward
                factor[number] *= discount
                lengths[number] += 1
                going[number], cut_off[number] = not (over or cut), cut and not over
        self._keep(taken, lengths, first)
        found = {"return": returns, "length": lengths}
        if expected is not None and (last := self._value(decide, seen)) is not None:
            followed = np.where(cut_off, factor * last, 0.0)
            found |= {"expected_return": expected, "bootstrapped_return": discounted + followed}
        return found

    def _value(self, decide: Deciding, seen: np.ndarray) -> np.ndarray | None:
        """(n,) float64 in the environment's rewards, where the task estimates it."""
        if self._acting.value is None:
            return None
        unit = 1.0 if self._acting.unit is None else self._acting.unit()
        return decide.value(torch.from_numpy(seen).to(self._device)).numpy(force=True).astype(np.float64) * unit

    def _keep(self, taken: Sequence[np.ndarray], lengths: np.ndarray, first: int) -> None:
        actions = np.stack(taken, 1)
        for place, length in enumerate(lengths.astype(int).tolist()):
            self.taken[first + place] = actions[place, :length].copy()

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


def episodes_of(rows: Rows, task: Task, *, seed: int, device: torch.device, sampled: bool | None = None) -> Episodes:
    """The episodes of a split that is evaluated on.

    seed: of sampled actions, which are drawn where `sampled`, by default the task's setting `act_sampled`, says so
    """
    assert isinstance(rows, SeedRows)
    acting = acting_of(task)
    if rows.clipped:
        acting = replace(acting, value=None)  # values are of what is learned from, and the return is of the score
    drawn = acting.sampled if sampled is None else sampled
    return Episodes(rows.make, rows.encode, acting, seeds=rows.seeds(), sampled=drawn, seed=seed, device=device)
