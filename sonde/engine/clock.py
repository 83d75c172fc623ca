"""Where a run's seconds went."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, get_args

Part = Literal["startup", "data", "plan", "input", "step", "optimizer", "evaluation", "checkpoint"]
PARTS: tuple[Part, ...] = get_args(Part)


class Clock:
    """Seconds spent since the run began, pauses between a stop and its resume left out.

    spent: seconds per part; what no part claims is "other". On a GPU these are the host's seconds: work that was queued
    shows up in whichever part waits for it.
    """

    def __init__(self, *, begun: float | None = None) -> None:
        """begun: second of `time.perf_counter` that the run counts from, where that is not now: a command's from its process's
        start, since loading PyTorch is part of what a person waits for"""
        now = time.perf_counter()
        self.spent: dict[str, float] = dict.fromkeys(PARTS, 0.0)
        self._before = 0.0  # seconds of earlier sittings
        self._started = now if begun is None else begun
        self.spent["startup"] = now - self._started

    def elapsed(self) -> float:
        """Seconds of this run so far."""
        return self._before + time.perf_counter() - self._started

    @contextmanager
    def part(self, name: Part) -> Iterator[None]:
        """Charge the body to `name`."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.spent[name] += time.perf_counter() - begun

    def summary(self) -> dict[str, float]:
        """The parts, "other" and "total", rounded to milliseconds."""
        total = self.elapsed()
        other = max(0.0, total - sum(self.spent.values()))
        return {name: round(value, 3) for name, value in {"total": total, **self.spent, "other": other}.items()}

    def state_dict(self) -> dict[str, Any]:
        """Seconds so far."""
        return {"elapsed": self.elapsed(), "spent": dict(self.spent)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on counting from a saved clock."""
        self._before = float(state["elapsed"])
        self._started = time.perf_counter()
        self.spent = {name: float(state["spent"].get(name, 0.0)) for name in PARTS}


def process_began() -> float:
    """The second of `time.perf_counter` at which this process was started; where the system does not tell, the processor
    seconds it has used, which are fewer, stand for its age.
    """
    try:
        with open("/proc/self/stat", encoding="ascii", errors="replace") as file:
            ticks = int(file.read().rpartition(")")[2].split()[19])  # field 22, after a name that may hold spaces
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        age = time.process_time()
    return time.perf_counter() - max(0.0, age)
