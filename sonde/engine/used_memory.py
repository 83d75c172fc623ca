"""Memory that a run uses, noted while it trains: of its process and workers, and of its device."""

import os
import time
from collections.abc import Callable, Mapping

import torch

from sonde.core.memory import resident_bytes

SHARE = 0.001  # of the time at most
KEYS = ("memory_bytes", "device_memory_bytes")  # of lines of metrics.jsonl


class UsedMemory:
    """What is used now, each time it is called; nothing where it was called a moment ago: asking takes 0.02 ms, and as long
    again for each thread of the process, or more.

    Resident memory of the process and its workers, what they share counted once; of a device what torch holds of it.
    """

    def __init__(
        self,
        device: torch.device,
        *,
        clock: Callable[[], float] = time.perf_counter,
        resident: Callable[[int], int | None] = resident_bytes,
    ) -> None:
        self._device, self._clock, self._resident = device, clock, resident
        self._due = clock()

    def __call__(self) -> Mapping[str, int]:
        """{"memory_bytes", "device_memory_bytes"}, without what the system does not tell."""
        began = self._clock()
        if began < self._due:
            return {}
        found = {"memory_bytes": self._resident(os.getpid()), "device_memory_bytes": held_bytes(self._device)}
        done = self._clock()
        self._due = done + (done - began) / SHARE
        return {name: value for name, value in found.items() if value is not None}


def held_bytes(device: torch.device) -> int | None:
    """Memory of a device that torch holds, used and kept for use; None of a CPU, and where it does not tell."""
    if device.type == "cuda":
        return torch.cuda.memory_reserved(device)
    return torch.mps.driver_allocated_memory() if device.type == "mps" else None
