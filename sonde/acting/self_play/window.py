"""The latest positions of games that ended, to learn from."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch


class Window:
    """Up to `capacity` rows of fields, the oldest overwritten first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.written = 0  # rows so far
        self._fields: dict[str, np.ndarray] = {}

    @property
    def filled(self) -> int:
        """Rows that it holds."""
        return min(self.written, self.capacity)

    def add(self, rows: Mapping[str, np.ndarray]) -> None:
        """Take rows, of at most as many as it can hold."""
        count = len(next(iter(rows.values())))
        places = np.arange(self.written, self.written + count) % self.capacity
        for name, values in rows.items():
            if name not in self._fields:
                self._fields[name] = np.zeros((self.capacity, *values.shape[1:]), values.dtype)
            self._fields[name][places] = values
        self.written += count

    def read(self, places: np.ndarray) -> dict[str, np.ndarray]:
        """Rows, counted from the oldest that is there."""
        at = (self.written - self.filled + places) % self.capacity
        return {name: values[at] for name, values in self._fields.items()}

    def state_dict(self) -> dict[str, Any]:
        """What it holds."""
        fields = {name: torch.from_numpy(values[: self.filled].copy()) for name, values in self._fields.items()}
        return {"written": self.written, "fields": fields}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Put it back."""
        self.written, self._fields = int(state["written"]), {}
        for name, part in state["fields"].items():
            self._fields[name] = np.zeros((self.capacity, *part.shape[1:]), part.numpy().dtype)
            self._fields[name][: len(part)] = part.numpy()
