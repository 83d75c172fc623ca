"""Moving the end of a run under a time limit to where its pace leads.

A plan is made from a few steps, on a machine that others may be using just then: two of six runs planned beside busy processes
came to their end after 60 % of the time they were given (measured). So the end is estimated again a few times, and the
schedule set to the new one.
"""

from bisect import bisect_right
from collections.abc import Callable

from sonde.core.pace import making
from sonde.engine.clock import Clock
from sonde.engine.deadline import Deadline
from sonde.engine.training import Progress, Training

SHARES = (0.06, 0.15, 0.3, 0.5, 0.7, 0.85)  # of the time, after which the end is estimated again
WORTH = 0.05  # of the steps left: a smaller change is not worth another schedule
SPARE = 0.015  # of the time left, for checkpoints and a machine that slows down
FEWEST = 4  # steps that a pace is measured over, and a difference worth a word
LONG = 0.1  # of the time: as much of it is enough to measure a pace over, however few steps it holds


class TimeBudget:
    """Watches the pace of a run whose training must end at a second of its clock; at each of `SHARES`, half-way through what was
    planned and at its end it may move the end.

    How often it asked is kept with the run's progress, so a resumed run asks no second time.
    """

    def __init__(
        self,
        deadline: Deadline,
        clock: Clock,
        *,
        planned: int,
        move: Callable[[Training, int, float], None],
        latest: Callable[[Progress], int | None] = lambda progress: None,
    ) -> None:
        """deadline: of the training, which may move;  planned: the step that the plan ends at;  move: takes the new last step
        and the seconds a step takes;  latest: the step that another length ends the run at, where one is known"""
        self._deadline, self._planned, self._move, self._latest = deadline, planned, move, latest
        self._begun_s, self._begun_beside, self._begun_made = clock.elapsed(), _beside(clock), clock.spent["input"]
        self._since: tuple[float, float, float, int] | None = None  # seconds, of them beside and for input, step

    def __call__(self, training: Training) -> None:
        """Count one step; when it is time, ask."""
        progress, elapsed = training.progress, training.clock.elapsed()
        beside, made_s = _beside(training.clock), training.clock.spent["input"]
        planned = progress.ends_at or self._planned
        if progress.step == 1:
            self._deadline.begun(elapsed)
        if self._since is None:  # the first step also allocates, and is no measure of the others, unless there are few
            few = planned - progress.step < FEWEST or elapsed - self._begun_s >= LONG * self._limit_s
            first = (self._begun_s, self._begun_beside, self._begun_made, progress.step - 1)
            self._since = first if few else (elapsed, beside, made_s, progress.step)
        begun_s, begun_beside, begun_made, begun = self._since
        if progress.step == begun or not self._due(training, elapsed, planned):
            return
        self._since = (elapsed, beside, made_s, progress.step)
        step_s = (elapsed - begun_s - (beside - begun_beside)) / (progress.step - begun)
        left_s, source = (1 - SPARE) * (self._limit_s - elapsed), making(training.source)
        if source is not None:  # what is made comes in bursts, so how long that took lately is no measure
            learning_s = max(0.0, step_s - (made_s - begun_made) / (progress.step - begun))
            left = source.pace().within(left_s, learning_s + beside / progress.step)
            step_s = left_s / left if left else step_s
        else:
            left = int(left_s / (step_s + beside / progress.step))
        end = progress.step + max(0 if progress.step >= planned else 1, left)
        latest = self._latest(progress)
        end = end if latest is None else min(end, latest)
        more, least = abs(end - planned), max(FEWEST, WORTH * left)
        if progress.step >= planned:  # more learning by a tenth is worth another end, as is a tenth of the time
            least = min(LONG * progress.step, LONG * self._limit_s / max(step_s, 1e-9))
        if more and more >= least:
            self._move(training, end, step_s)

    @property
    def _limit_s(self) -> float:
        return self._deadline.training_s

    def _due(self, training: Training, elapsed: float, planned: int) -> bool:
        """Whether to ask now: at shares of the time, in the middle of what was planned, and at its end, where time is left."""
        assert self._since is not None
        progress = training.progress
        if progress.step >= planned:
            return elapsed < (1 - SPARE) * self._limit_s
        if progress.step - self._since[-1] < FEWEST and elapsed - self._since[0] < LONG * self._limit_s:
            return False
        shares = bisect_right(SHARES, elapsed / self._limit_s)
        half = 2 * progress.step >= planned and progress.half_asked != planned
        if (
            progress.half_asked
        ):  # the middle of what was left when the end was moved, or each move would ask again at once
            half = half and progress.step - self._since[-1] >= planned - progress.step
        due = shares > progress.ends_asked or half
        if due:
            progress.ends_asked = max(shares, progress.ends_asked)
            progress.half_asked = planned if 2 * progress.step >= planned else progress.half_asked
        return due


def _beside(clock: Clock) -> float:
    return clock.spent["evaluation"] + clock.spent["checkpoint"]
