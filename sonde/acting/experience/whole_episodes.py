"""Experience of the policy as it stands, in whole episodes: play some, learn from them once, play the next."""

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sonde.acting.experience.advantages import advantages
from sonde.acting.experience.collecting import Collected, Collector
from sonde.core.acting import Acting
from sonde.core.batch import Batch
from sonde.core.pace import Pace
from sonde.core.seeds import generator

PREVIEWED_S = 1.0  # after which no more of an update's episodes are played, where it is not made yet but shown
PREVIEWED = 1_000  # actions in each environment, after which that is so too
LATEST = 8  # updates, by which it is told how long one takes


class WholeEpisodes:
    """Batches without end: `observation`, `action`, `return`, and `length` (rows,), the mean number of actions in an episode.

    Each environment plays as many episodes as the others, from their beginning, so that short ones are not taken more often
    than long ones; what an environment does until the others are done too is not learned from. The return is that to the
    episode's end: of one that was cut off with the value of what would have followed, where the task estimates values.
    """

    ends = False
    computes = True
    batches = None

    def __init__(
        self,
        collector: Collector,
        acting: Acting,
        *,
        episodes: int,
        discount: float,
        seed: int,
        device: torch.device,
    ) -> None:
        """acting: of a policy without memory;  episodes: of each environment for an update"""
        self._collector, self._acting, self._episodes, self._discount = collector, acting, episodes, discount
        self._seed, self._device = seed, device
        self._number = -1  # of the update, from 0
        self._seen: Tensor | None = None
        self._lengths: list[int] = []  # actions in each environment for an update, of the latest in this sitting

    @property
    def epoch(self) -> int:
        """Number of the update."""
        return max(0, self._number)

    @property
    def seconds(self) -> dict[str, float]:
        """Time by part."""
        return self._collector.seconds

    @property
    def said(self) -> str:
        """What is to be told of where the environments step, in the plan of a run."""
        return self._collector.environments.said

    @property
    def figures(self) -> dict[str, float]:
        """For the log, see `Collector`."""
        return self._collector.figures

    @property
    def leave_off(self) -> Callable[[], bool]:
        """See `sonde.core.pace`."""
        return self._collector.leave_off

    @leave_off.setter
    def leave_off(self, when: Callable[[], bool]) -> None:
        self._collector.leave_off = when

    def pace(self) -> Pace:
        """By the latest updates."""
        each_s = self._collector.action_s * float(np.mean(self._lengths or [0.0]))
        return Pace(burst_s=each_s, first_s=each_s)

    def preview(self) -> tuple[Batch, Pace]:
        """An update by episodes that may be cut off where they are; and a pace by what they took."""
        last, until, taken = self._last(), time.perf_counter() + PREVIEWED_S, []

        def cut(actions: int, ended: np.ndarray) -> bool:
            taken.append(actions)
            return last(actions, ended) or actions == PREVIEWED or time.perf_counter() > until

        found, action_s = self._collector.preview(cut)
        fields = self._learned(found)
        each_s = action_s * len(taken)
        return Batch(fields, torch.arange(len(fields["return"]))), Pace(burst_s=each_s, first_s=each_s)

    def __iter__(self) -> Iterator[Batch]:
        """Raises: LeftOff, see `sonde.core.pace`"""
        while True:
            if not self._collector.collecting:
                if self._seen is not None and self._acting.observed is not None:
                    self._acting.observed(self._seen)
                self._number, self._seen = self._number + 1, None
                self._collector.begin()
            fields = self._played()
            self._seen = fields["observation"]
            yield Batch(fields, torch.arange(len(self._seen)))

    def describe(self, index: int) -> str:
        """Which row of an update it is."""
        return f"action {index:,} of the episodes of an update"

    def _played(self) -> dict[str, Tensor]:
        random = generator(self._seed, "sample", self._number, device=self._device)
        found = self._collector.collect(random, self._last())
        self._lengths = [*self._lengths[1 - LATEST :], len(found.reward)]
        return self._learned(found)

    def _last(self) -> Callable[[int, np.ndarray], bool]:
        """Whether all episodes of an update were played, see `Collector.collect`."""
        left = self._episodes - self._collector.ended()

        def last(_: int, ended: np.ndarray) -> bool:
            left[ended] -= 1
            return bool((left <= 0).all())

        return last

    def _learned(self, found: Collected) -> dict[str, Tensor]:
        value = torch.zeros_like(found.reward)
        following = found.following if self._acting.value is not None else value
        returns = advantages(
            found.reward,
            value,
            torch.where(found.ended, following, 0.0),
            terminated=found.terminated,
            ended=found.ended,
            discount=self._discount,
            gae_lambda=1.0,
        )
        before = found.ended.cumsum(0) - found.ended.long()  # episodes of the environment that ended before the action
        counts = before < self._episodes
        episodes = self._episodes * self._collector.environments.count
        fields = {name: values[counts] for name, values in found.fields.items()}
        length = torch.full((int(counts.sum()),), float(counts.sum()) / episodes, device=self._device)
        return {**fields, "return": returns[counts], "length": length}

    def state_dict(self) -> dict[str, Any]:
        """What was seen last, and where the environments stand."""
        seen = {} if self._seen is None else {"seen": self._seen}
        return {"number": self._number, "collector": self._collector.state_dict(), **seen}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put them back."""
        self._number = int(state["number"])
        self._seen = state["seen"].to(self._device) if "seen" in state else None
        self._collector.load_state_dict(state["collector"])
