"""Moving the end of a run under a time limit to where its pace leads.

A plan is made from a few steps, on a machine that others may be using just then: two of six runs planned beside busy neighbours
came to their end after 60 % of the time they were given (measured). So the end is asked for again a few times, and the
schedule bent to the new one.
"""

from bisect import bisect_right
from collections.abc import Callable

from sonde.engine.training import Training

SHARES = (0.06, 0.15, 0.3, 0.5, 0.7, 0.85)  # of the time limit, after which the end is asked for again
WORTH = 0.05  # of the steps left: a smaller change is not worth a bend in the schedule
SPARE = 0.015  # of the time left, for checkpoints and a machine that slows down
FEWEST = 4  # steps that a pace is measured over, and a difference worth a word


class Horizon:
    """Watches the pace of a run that must end in `limit_s` seconds of its clock; at each of `SHARES` it may move the end.

    How often it asked is kept with the run's progress, so a resumed run asks no second time.
    """

    def __init__(self, limit_s: float, *, planned: int, move: Callable[[Training, int, float], None]) -> None:
        """planned: the step that the plan ends at;  move: told the new last step and the seconds a step takes"""
        self._limit_s, self._planned, self._move = limit_s, planned, move
        self._since: tuple[float, float, int] | None = None  # seconds, of them spent on judging and saving, step

    def __call__(self, training: Training) -> None:
        """Count one step; when it is time, ask."""
        progress, elapsed = training.progress, training.clock.elapsed()
        beside = training.clock.spent["evaluation"] + training.clock.spent["checkpoint"]
        if self._since is None:
            self._since = (elapsed, beside, progress.step)
        due = bisect_right(SHARES, elapsed / self._limit_s)
        if due <= progress.ends_asked or progress.step - self._since[2] < FEWEST:
            return
        progress.ends_asked = due
        begun_s, begun_beside, begun = self._since
        self._since = (elapsed, beside, progress.step)
        step_s = (elapsed - begun_s - (beside - begun_beside)) / (progress.step - begun)
        left = int((1 - SPARE) * (self._limit_s - elapsed) / (step_s + beside / progress.step))
        end = progress.step + max(1, left)
        if abs(end - (progress.ends_at or self._planned)) > max(FEWEST, WORTH * left):
            self._move(training, end, step_s)
