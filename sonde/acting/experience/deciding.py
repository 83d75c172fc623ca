"""Decisions in episodes side by side, of policies that remember too."""

import numpy as np
import torch
from torch import Tensor

from sonde.core.acting import Acting


class Deciding:
    """What a policy does in n episodes, all of which begin with the first call.

    memory: (n, …) what it remembers of each, None of a policy that remembers nothing
    """

    def __init__(self, acting: Acting, count: int, device: torch.device) -> None:
        self._acting = acting
        self._nothing = None if acting.memory is None else acting.memory(count).to(device)
        self.memory = self._nothing

    def __call__(self, seen: Tensor, random: torch.Generator | None) -> dict[str, Tensor]:
        """See `Acting.act`."""
        if self.memory is None:
            return dict(self._acting.act(seen, random))
        decided = dict(self._acting.act(seen, random, self.memory))
        self.memory = decided.pop("memory")
        return decided

    def value(self, seen: Tensor, rows: Tensor | None = None) -> Tensor:
        """See `Acting.value`, with what is remembered now. rows: numbers of the episodes that are shown, None for all"""
        assert self._acting.value is not None
        if self.memory is None:
            return self._acting.value(seen)
        return self._acting.value(seen, self.memory if rows is None else self.memory[rows])

    def hold(self, before: Tensor | None, rows: np.ndarray) -> None:
        """Remember of some episodes what was remembered before, since they are over. rows: (n,) bool"""
        if self.memory is not None and before is not None and rows.any():
            numbers = torch.from_numpy(np.flatnonzero(rows)).to(self.memory.device)
            self.memory = self.memory.index_copy(0, numbers, before[numbers])

    def forget(self, ended: np.ndarray) -> None:
        """Remember nothing of episodes that ended, since others begin. ended: (n,) bool"""
        if self.memory is not None and ended.any():
            assert self._nothing is not None
            rows = torch.from_numpy(np.flatnonzero(ended)).to(self.memory.device)
            self.memory = self.memory.index_copy(0, rows, self._nothing[rows])
