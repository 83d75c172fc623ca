"""Evaluation in environments of its own: whole episodes from stated seeds, by the likeliest actions or by sampled ones."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from sonde.acting.environments.endless import limit_of
from sonde.acting.evaluation.recorder import Recorder
from sonde.acting.experience.deciding import Deciding
from sonde.acting.seeds import SeedRows
from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.bounds import flag
from sonde.core.dataset import Rows
from sonde.core.errors import ConfigError, DataError
from sonde.core.pace import never
from sonde.core.seams import Task, abilities_of
from sonde.core.seeds import generator

TOGETHER = 20  # episodes side by side, at most
LONGEST = 100_000  # steps after which an episode that goes on is taken for one without an end
LONGER = 10  # times as long as those of a policy that has not learned yet may episodes come to be
FIRST = ", those that ended first: longer ones are missing"
FEWEST = 2  # steps of all at least, by which it is told how long a pass takes
LENIENT = 1.25  # times as long as those before may episodes to come be expected to take
KEPT = 5_000  # actions of each episode that are kept, to play it again


class Episodes:
    """One pass: a batch of `return` and `length` for each group of episodes, one row an episode.

    Of a task that estimates values also `expected_return`, the value of the first observation, and `bootstrapped_return`, what
    the episode returned, discounted as values are; where it was cut off, with the value of its last observation for what would
    have followed, so that it may lie above the return. `bootstrapped_part` is that value alone, discounted.

    Where it leaves off, what is whole by then are the groups that were played; of the first, where it was in that one, the
    episodes that had ended. So that some do end, one is played alone where a pass may have too little time (`within_s`), and
    then as many side by side as come to an end like it.

    make: an environment;  encode: its observation -> array;  seeds: of the episodes
    sampled: whether actions are drawn as in training; else the likeliest is taken
    """

    ends = True
    computes = True
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
        self.leave_off: Callable[[], bool] = never
        self.within_s: float | None = None  # see `sonde.core.pace.Hurrying`
        self._pass_s: float | None = None  # that a pass is expected to take: by a part of one, or by the last
        self.which, self.so_far = "", (0, 0)  # see `sonde.core.pace.Played`
        self.recorder: Recorder | None = None  # of what is played, where that is kept
        self.taken: dict[int, np.ndarray] = {}  # number of an episode -> its first `KEPT` actions in the last pass

    @property
    def batches(self) -> int:
        """Groups of episodes."""
        return -(-len(self._seeds) // TOGETHER)

    def __iter__(self) -> Iterator[Batch]:
        self.which, self.so_far = "", (0, len(self._seeds))
        self.taken = {}  # another: what the last pass played may be kept
        first, taken_s, group_s, before = 0, 0.0, 0.0, 0
        while first < len(self._seeds):
            seeds = self._seeds[first : first + self._together(first, taken_s, group_s / max(1, before))]
            begun = time.perf_counter()
            found, ended = self._played(seeds, first, self.leave_off)
            group_s, before = time.perf_counter() - begun, len(seeds)
            taken_s += group_s
            if not ended.all():
                self._pass_s = math.inf  # whatever was expected
                if first or not ended.any():
                    return
                self.which = FIRST
            index = torch.from_numpy(first + np.flatnonzero(ended))
            yield Batch({name: torch.from_numpy(values[ended]) for name, values in found.items()}, index)
            if not ended.all():
                return
            first += len(seeds)
        self._pass_s = taken_s

    def _together(self, first: int, taken_s: float, each_s: float) -> int:
        """Episodes to be played side by side next: where there may be too little time for all, one at first, and then as many
        as end in it at the pace of those before. first: number of the next;  each_s: of an episode of the last group"""
        if self.within_s is None or (self._pass_s is not None and LENIENT * self._pass_s <= self.within_s):
            return TOGETHER
        if not first:
            return 1
        return max(1, min(TOGETHER, int((self.within_s - taken_s) / max(LENIENT * each_s, 1e-9))))

    def expected_s(self, at_most_s: float) -> float:
        """Seconds of a pass, by the first episodes as far as they go in that time. Those of a policy that learns grow longer."""
        begun, steps = time.perf_counter(), 0
        self._made(1)[0].reset(seed=self._seeds[0])
        once_s = time.perf_counter() - begun
        few = max(1, min(TOGETHER, len(self._seeds), int(at_most_s / max(once_s, 1e-9))))
        self._made(few)
        begun, seeds = time.perf_counter(), self._seeds[:few]

        def over() -> bool:
            nonlocal steps
            steps += 1
            return steps > FEWEST and time.perf_counter() - begun > at_most_s

        began = time.perf_counter()
        found, ended = self._played(seeds, 0, over)
        step_s = (time.perf_counter() - began) / max(1.0, float(found["length"].max()))
        limit = limit_of(self._envs[0]) or LONGEST
        longest = min(limit, LONGER * float(found["length"].max())) if ended.any() else limit
        self._pass_s = len(self._seeds) / few * longest * step_s
        return self._pass_s

    def _made(self, number: int) -> list[Any]:
        """So many environments."""
        while len(self._envs) < number:
            self._envs.append(self._make())
        return self._envs[:number]

    @torch.no_grad()
    def _played(
        self, seeds: Sequence[int], first: int, leave_off: Callable[[], bool]
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """(n,) float64 each, and (n,) bool, whether an episode ended. Rows of those that are over go on being fed, and are not
        looked at. first: number of the first
        """
        envs = self._made(len(seeds))
        began = enumerate(zip(envs, seeds, strict=True), first)
        seen = np.stack([self._first(env, seed, number) for number, (env, seed) in began])
        random = generator(self._seed, "sample", "episodes", seeds[0], device=self._device) if self._sampled else None
        returns, lengths, going = np.zeros(len(seeds)), np.zeros(len(seeds)), np.ones(len(seeds), bool)
        discounted, factor, discount = np.zeros(len(seeds)), np.ones(len(seeds)), self._acting.discount
        decide = Deciding(self._acting, len(seeds), self._device)
        expected, cut_off = self._value(decide, seen), np.zeros(len(seeds), bool)
        taken: list[np.ndarray] = []
        steps = 0
        while going.any() and not leave_off():
            steps += 1
            if steps > LONGEST:
                raise _endless(seeds[int(going.argmax())])
            before = decide.memory
            decided = decide(torch.from_numpy(seen).to(self._device), random)
            decide.hold(before, ~going)
            sent = self._acting.sent(decided["action"]).numpy(force=True)
            if len(taken) < KEPT:
                taken.append(sent)
            plain = sent.tolist() if sent.ndim == 1 else sent
            seen = seen.copy()
            for number in np.flatnonzero(going):
                shown, reward, over, cut, _ = envs[number].step(plain[number])
                seen[number] = self._encode(shown)
                if self.recorder is not None:
                    step = sent[number], reward, over, cut
                    self.recorder.took(first + int(number), envs[number], step, seen[number])
                returns[number] += reward
                discounted[number] += factor[number] * reward
                factor[number] *= discount
                lengths[number] += 1
                going[number], cut_off[number] = not (over or cut), cut and not over
            self.so_far = first + len(seeds) - int(going.sum()), len(self._seeds)
        self._keep(taken, lengths, first)
        found = {"return": returns, "length": lengths}
        if expected is not None and (last := self._value(decide, seen)) is not None:
            followed = np.where(cut_off, factor * last, 0.0)
            found |= {"expected_return": expected, "bootstrapped_return": discounted + followed}
            found |= {"bootstrapped_part": followed}
        return found, ~going

    def _first(self, env: Any, seed: int, number: int) -> np.ndarray:
        """What is seen first in an episode. number: of the episode"""
        seen = self._encode(env.reset(seed=seed)[0])
        if self.recorder is not None:
            self.recorder.began(number, env, seen)
        return seen

    def _value(self, decide: Deciding, seen: np.ndarray) -> np.ndarray | None:
        """(n,) float64 in the environment's rewards, where the task estimates it."""
        if self._acting.value is None:
            return None
        unit = 1.0 if self._acting.unit is None else self._acting.unit()
        value = decide.value(torch.from_numpy(seen).to(self._device)).float()  # NumPy has no bfloat16
        return value.numpy(force=True).astype(np.float64) * unit

    def _keep(self, taken: Sequence[np.ndarray], lengths: np.ndarray, first: int) -> None:
        actions = np.stack(taken, 1) if taken else np.empty((len(lengths), 0))
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


def _endless(seed: int) -> DataError:
    """Of an episode that is taken for one without an end. seed: of it"""
    found = DataError(
        f"the episode of seed {seed} goes on after {LONGEST:,} steps of an evaluation; where episodes have no end, "
        f"{flag('max_episode_steps')} 1000 of sonde train and resume cuts them off, or gymnasium's TimeLimit"
    )
    found.on_resume = f"{flag('max_episode_steps')} 1000"
    return found


def acting_of(task: Task) -> Acting:
    """How a task acts."""
    found = abilities_of(task).acting
    assert found is not None
    return found


def is_sampled(acting: Acting, asked: bool | None) -> bool:
    """Whether actions are drawn, by default as the task's setting `act_sampled` says.

    Raises: ConfigError where that is asked for, and the task draws none
    """
    if asked and not acting.draws:
        raise ConfigError(
            f"{flag('sampled')}: this policy draws no actions, it learned one for each observation; leave it out"
        )
    return acting.sampled if asked is None else asked


def episodes_of(rows: Rows, task: Task, *, seed: int, device: torch.device, sampled: bool | None = None) -> Episodes:
    """The episodes of a split that is evaluated on.

    seed: of sampled actions;  sampled: whether they are, see `is_sampled`. Raises: ConfigError
    """
    assert isinstance(rows, SeedRows)
    acting = acting_of(task)
    if rows.clipped:
        acting = replace(acting, value=None)  # values are of what is learned from, and the return is of the score
    drawn = is_sampled(acting, sampled)
    return Episodes(rows.make, rows.encode, acting, seeds=rows.seeds(), sampled=drawn, seed=seed, device=device)
