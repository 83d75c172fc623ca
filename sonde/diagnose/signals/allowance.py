"""How much of a run's time looking on may take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

SHARE = 0.005  # of the time since training began
AT_FIRST_S = 0.02  # of a run besides, so that the first steps of a short one are seen


class Allowance:
    """Counts what looking on takes: `looking` over usual steps, and whatever else was `spent`."""

    def __init__(self) -> None:
        self._began = time.perf_counter()
        self.looking = 0.0  # seconds
        self.spent = 0.0

    def elapsed(self) -> float:
        """Seconds since training began."""
        return time.perf_counter() - self._began

    def wait_s(self) -> float:
        """Seconds until what was taken is a small share of the time; 0 and less: now."""
        return (self.looking + self.spent - AT_FIRST_S) / SHARE - self.elapsed()

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Around what is done besides the steps."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.spent += time.perf_counter() - begun
