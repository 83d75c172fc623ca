"""Rows for tests: pixels computed from their number, so that any reader can be checked against arithmetic."""

import os
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from sonde.core.dataset import InputSpec, Schema, TargetSpec
from sonde.core.errors import DataError

SHAPE = (3, 8, 6)
SCHEMA = Schema(
    input=InputSpec(kind="image", shape=SHAPE, mean=(0.5, 0.4, 0.3), std=(0.2, 0.25, 0.3)),
    target=TargetSpec(kind="class", names=("a", "b", "c", "d")),
)


def nothing(indices: np.ndarray) -> None:
    """Every row can be read."""


@dataclass(frozen=True)
class PixelRows:
    """`count` images; `before` is called with the rows of every read, and may raise or kill."""

    count: int
    before: Callable[[np.ndarray], None] = nothing
    read_by: set[int] = field(default_factory=set)

    def __len__(self) -> int:
        return self.count

    def read(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        self.read_by.add(threading.get_ident())
        self.before(indices)
        return {"input": pixels(indices), "target": (indices % 4).astype(np.uint8)}

    def describe(self, index: int) -> str:
        return f"photos/{index}.png"

    def nbytes(self) -> int:
        return self.count * (int(np.prod(SHAPE)) + 8)


def pixels(indices: np.ndarray) -> np.ndarray:
    """(n, *SHAPE) uint8, different for every row."""
    places = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    return ((indices[:, None, None, None] * 31 + places * 7) % 256).astype(np.uint8)


@dataclass(frozen=True)
class Unreadable:
    """Raises what a decoder says of a damaged file."""

    row: int

    def __call__(self, indices: np.ndarray) -> None:
        if self.row in indices:
            raise DataError(f"photos/{self.row}.png: truncated at byte 77; delete it or copy it again")


@dataclass(frozen=True)
class Deadly:
    """Kills the process that reads a row, as the system does when memory runs out; never the test's own."""

    row: int
    spared: int

    def __call__(self, indices: np.ndarray) -> None:
        if self.row in indices and os.getpid() != self.spared:
            os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Faulty:
    """A mistake of ours, not of the data."""

    row: int

    def __call__(self, indices: np.ndarray) -> None:
        if self.row in indices:
            raise ZeroDivisionError("planted")
