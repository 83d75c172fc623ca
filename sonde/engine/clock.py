"""Where a run's seconds went."""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, get_args

Part = Literal["startup", "data", "plan", "input", "step", "optimizer", "evaluation", "checkpoint"]
SLOWEST, MEASURED = 8.0, 0.1  # times; processor seconds that tell how busy a machine is
SOON = 1.0  # seconds between loading and a call that it was for
PARTS: tuple[Part, ...] = get_args(Part)
OF_TRAINING: tuple[Part, ...] = ("input", "step", "optimizer")


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
        self._inside_before: dict[str, float] = {}  # of earlier sittings
        self._followed: Mapping[str, float] = {}
        self._followed_from: dict[str, float] = {}
        self.spent["startup"] = now - self._started
        self._cpu_before = time.process_time() if begun is None else _cpu_at.get(begun, 0.0)

    def elapsed(self) -> float:
        """Seconds of this run so far."""
        return self._before + time.perf_counter() - self._started

    def slowed(self) -> float:
        """Times as long as its processor seconds this sitting took, at least 1: others that keep the processor busy slow down
        what is to come as well."""
        taken, cpu = time.perf_counter() - self._started, time.process_time() - self._cpu_before
        return min(SLOWEST, max(1.0, taken / cpu)) if cpu > MEASURED else 1.0

    @contextmanager
    def part(self, name: Part) -> Iterator[None]:
        """Charge the body to `name`."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.spent[name] += time.perf_counter() - begun

    def follow(self, seconds: Mapping[str, float]) -> None:
        """From here on tell apart what a source says that "input" went into. seconds: part -> seconds, which grow as it works"""
        self._followed, self._followed_from = seconds, dict(seconds)

    def inside(self) -> dict[str, float]:
        """Parts of "input" that a source counts; none of most."""
        names = [*self._inside_before, *(name for name in self._followed if name not in self._inside_before)]
        before, since, start = self._inside_before, self._followed, self._followed_from
        return {name: before.get(name, 0.0) + since.get(name, 0.0) - start.get(name, 0.0) for name in names}

    def summary(self) -> dict[str, float]:
        """The parts, "other" and "total", rounded to milliseconds; "input" without what is told apart of it."""
        total, inside = self.elapsed(), self.inside()
        other = max(0.0, total - sum(self.spent.values()))
        parts = {**self.spent, **inside, "other": other}
        parts["input"] = max(0.0, parts["input"] - sum(inside.values()))
        return {name: round(value, 3) for name, value in {"total": total, **parts}.items()}

    def state_dict(self) -> dict[str, Any]:
        """Seconds so far."""
        return {"elapsed": self.elapsed(), "spent": dict(self.spent), "inside": self.inside()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on counting from a saved clock."""
        self._before = float(state["elapsed"])
        self._started, self._cpu_before = time.perf_counter(), time.process_time()
        self.spent = {name: float(state["spent"].get(name, 0.0)) for name in PARTS}
        self._inside_before = {str(name): float(value) for name, value in (state.get("inside") or {}).items()}
        self._followed_from = dict(self._followed)


def training_seconds(summary: Mapping[str, float]) -> float:
    """Of a `Clock.summary` what training took: steps, and all that their batches took to come, such as what was acted for them.

    >>> training_seconds({"total": 60.0, "input": 1.0, "step": 7.5, "optimizer": 0.5, "environment": 12.0, "other": 39.0})
    21.0
    """
    beside = {*PARTS, "total", "other"} - set(OF_TRAINING)
    return sum(seconds for name, seconds in summary.items() if name not in beside)


_loading: list[
    tuple[float, float]
] = []  # seconds of `time.perf_counter` at which loading PyTorch began and ended, until told


_cpu_at: dict[float, float] = {}  # the second at which that began -> the process's processor seconds then


def loaded(began: float, cpu: float) -> None:
    """Note that PyTorch was loaded just now, for `call_began`. began: second of `time.perf_counter`;  cpu: of `process_time`"""
    _loading[:], _cpu_at[began] = [(began, time.perf_counter())], cpu


def call_began() -> float | None:
    """The second at which loading PyTorch began, for the first call where that comes right after it: what a person waits for, and
    what a time limit is to hold, as of a command. None for now."""
    if not _loading:
        return None
    began, ended = _loading.pop()
    return began if time.perf_counter() - ended < SOON else None


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
