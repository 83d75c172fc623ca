"""Noticing that steps have become slow, and timing numbers of threads again."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from sonde.core.batch import Batch
from sonde.engine.plan import most_threads
from sonde.engine.timing import fewest_within, thread_candidates, time_threads
from sonde.engine.training import Training

SLOWER = 1.8  # times the fastest step; a busy neighbour costs two threads a factor of 10 to 25 here, one thread 1 to 2
WINDOW_S = 1.0  # seconds that steps are timed over: longer than a scheduler's hiccup
WORTH = 0.85  # another number of threads must take at most this share of the time
CONTENDED = (
    1.3  # all cores this much slower than fewer: a neighbour, who may leave; a step too small for them costs less
)


class ThreadTuner:
    """Watches the seconds a step takes; when they grow, times the candidates on the batch at hand and may change the count.

    Where another busy process made fewer threads the better choice, all threads are timed again from time to time.
    Another number of threads may round differently, so a change is an event of the run, and a resumed run keeps it.
    """

    def __init__(
        self,
        *,
        report: Callable[[Training, str, Mapping[str, Any]], None],
        timed: Mapping[int, float] | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        """timed: seconds of a step by number of threads, as the plan measured them."""
        self._report, self._now = report, now
        self._contended = contended(timed or {})
        self._best: float | None = None
        self._since = now()
        self._busy = 0.0  # seconds of evaluation and checkpoints at the window's start: not the steps'
        self._steps = 0
        self._rest_s = 5.0
        self._quiet_until = now() + self._rest_s if self._contended else 0.0

    def __call__(self, training: Training, batch: Batch) -> None:
        """Count one step; once a window, compare."""
        self._steps += 1
        now = self._now()
        if now - self._since < WINDOW_S:
            return
        spent = training.clock.spent
        busy = spent["evaluation"] + spent["checkpoint"] + spent["input"]
        seconds = (now - self._since - (busy - self._busy)) / self._steps
        usual = self._best
        self._best = seconds if usual is None else min(usual, seconds)
        slow = usual is not None and seconds > usual * SLOWER
        if (slow or self._contended) and now > self._quiet_until:
            self._reconsider(training, batch, "steps became slow" if slow else "the machine is less busy")
        self._since, self._steps, self._busy = self._now(), 0, busy

    def _reconsider(self, training: Training, batch: Batch, why: str) -> None:
        timed = time_threads(training.stepper, batch, thread_candidates(most_threads()))
        chosen = fewest_within(timed)
        self._contended = contended(timed)
        self._quiet_until = self._now() + self._rest_s
        self._rest_s = min(2 * self._rest_s, 300.0)  # a machine that stays slow is not timed for ever
        if chosen == training.threads or timed[chosen] > WORTH * timed.get(training.threads, float("inf")):
            return
        details = {
            "from": training.threads,
            "to": chosen,
            "why": why,
            "milliseconds": {str(count): round(value * 1e3, 3) for count, value in timed.items()},
        }
        training.threads = chosen
        training.stepper.execution.threads = chosen
        self._best = None
        self._report(training, "threads changed", details)


def contended(timed: Mapping[int, float]) -> bool:
    """Whether all cores were so much slower than fewer that another process must be using them.

    >>> contended({1: 1.0, 2: 12.0}), contended({1: 1.0, 2: 1.1}), contended({})
    (True, False, False)
    """
    return bool(timed) and timed[max(timed)] > CONTENDED * min(timed.values())
