"""Where a run's seconds went."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, get_args

Part = Literal["data", "plan", "input", "step", "optimizer", "evaluation", "checkpoint"]
PARTS: tuple[Part, ...] = get_args(Part)


class Clock:
    """Seconds spent since the run began, pauses between a stop and its resume left out.

    spent: seconds per part; what no part claims is "other". On a GPU these are the host's seconds: work that was queued
    shows up in whichever part waits for it.
    """

    def __init__(self) -> None:
        self.spent: dict[str, float] = dict.fromkeys(PARTS, 0.0)
        self._before = 0.0  # seconds of earlier sittings
        self._started = time.perf_counter()

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
