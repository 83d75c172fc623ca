"""Observations made of several pictures, each of which is kept once: a quarter of the memory, of Atari's four."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


class Frames:
    """Observations of the latest steps of n environments, stacked anew when they are read.

    An observation shares all pictures but the newest with the one before. Where it does not, as where an episode begins, it is
    kept whole beside, whatever an environment shows there: black, or the first picture several times. The oldest steps need
    pictures from before them, so a few more are kept.

    capacity: steps that can be read;  stack: pictures of an observation (n, stack * channels, height, width), the newest last
    """

    def __init__(self, capacity: int, count: int, stack: int) -> None:
        self._count, self._stack, self._places = count, stack, capacity + stack - 1
        self._newest: np.ndarray = np.empty(0)  # (places, n, channels, height, width)
        self._age = np.zeros((self._places, count), np.int64)  # steps since one that is kept whole, stack - 1 at most
        self._whole: dict[tuple[int, int], np.ndarray] = {}  # (step, environment) -> (stack, channels, height, width)
        self._before: np.ndarray | None = None  # pictures of the last step

    def add(self, step: int, observation: np.ndarray) -> None:
        """Keep what environments show at a step, one more than the last."""
        shown = observation.reshape(self._count, self._stack, -1, *observation.shape[2:])
        if not step:
            self._newest = np.zeros((self._places, self._count, *shown.shape[2:]), shown.dtype)
        elif self._before is None:  # after a resume
            steps = np.full(self._count, step - 1)
            self._before = self.read(steps, np.arange(self._count)).reshape(shown.shape)
        place, before = step % self._places, self._before
        for number in range(self._count):
            self._whole.pop((step - self._places, number), None)
            if before is None or not np.array_equal(shown[number, :-1], before[number, 1:]):
                self._whole[step, number] = shown[number].copy()
                self._age[place, number] = 0
            else:
                self._age[place, number] = min(self._age[(step - 1) % self._places, number] + 1, self._stack - 1)
        self._newest[place], self._before = shown[:, -1], shown

    def read(self, steps: np.ndarray, envs: np.ndarray) -> np.ndarray:
        """(B, stack * channels, height, width) observations. steps, envs: (B,)"""
        back = np.arange(1 - self._stack, 1)
        found = self._newest[(steps[:, None] + back) % self._places, envs[:, None]]
        ages = self._age[steps % self._places, envs]
        for row in np.flatnonzero(ages < self._stack - 1).tolist():
            age = int(ages[row])
            whole = self._whole[int(steps[row]) - age, int(envs[row])]
            found[row, : self._stack - age] = whole[age:]
        return found.reshape(len(steps), -1, *found.shape[3:])

    def state_dict(self, written: int) -> dict[str, Any]:
        """What it holds. written: steps so far"""
        filled, kept = min(written, self._places), list(self._whole.items())
        return {
            "newest": torch.from_numpy(self._newest[:filled].copy()),
            "age": torch.from_numpy(self._age[:filled].copy()),
            "whole_at": torch.tensor([place for place, _ in kept], dtype=torch.int64).view(-1, 2),
            "whole": torch.from_numpy(np.stack([whole for _, whole in kept])) if kept else torch.empty(0),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        newest, age = state["newest"].numpy(), state["age"].numpy()
        self._newest = np.zeros((self._places, *newest.shape[1:]), newest.dtype)
        self._newest[: len(newest)], self._age[: len(age)] = newest, age
        places = [(int(step), int(number)) for step, number in state["whole_at"].tolist()]
        self._whole = dict(zip(places, state["whole"].numpy().copy(), strict=True)) if places else {}
        self._before = None
