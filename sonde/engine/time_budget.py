"""Moving the end of a run under a time limit to where its pace leads.

A plan is made from a few steps, on a machine that others may be using just then: two of six runs planned beside busy processes
came to their end after 60 % of the time they were given (measured). So the end is estimated again a few times, and the
schedule set to the new one.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

from sonde.core.pace import making
from sonde.engine.clock import Clock, Part
from sonde.engine.deadline import Deadline
from sonde.engine.training import Progress, Training

BEFORE: tuple[Part, ...] = ("startup", "data", "plan")  # parts of a run that lie before its first step
SHARES = (0.06, 0.15, 0.3, 0.5, 0.7, 0.85)  # of the time of training, after which the end is estimated again
WORTH = 0.05  # of the steps left: a smaller change is not worth another schedule
SPARE = 0.015  # of the time left, for checkpoints and a machine that slows down
FEWEST = 4  # steps that a pace is measured over, and a difference worth a word
LONG = 0.1  # of the time: as much of it is enough to measure a pace over, however few steps it holds


class _Mark(NamedTuple):
    """A moment of a run. beside: seconds until then for evaluations and checkpoints;  made: for batches"""

    seconds: float
    beside: float
    made: float
    step: int


class TimeBudget:
    """Watches the pace of a run whose training must end at a second of its clock; at each of `SHARES`, half-way through what was
    planned and at its end it may move the end; and after the last evaluation, which may leave time that was kept for it.

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
        self._at_ends_s = 0.0  # for evaluations after which training went on: no others like them are to come
        self._begun = self._now = self._mark(clock, 0)
        self._since: _Mark | None = None
        self._step_s = self._made_s = 0.0  # of a step, and of it for its batch

    def __call__(self, training: Training) -> None:
        """Count one step; when it is time, ask."""
        progress = training.progress
        now = self._now = self._mark(training.clock, progress.step)
        planned = progress.ends_at or self._planned
        if progress.step == 1:
            self._deadline.begun(now.seconds)
        if self._since is None:  # the first step also allocates, and is no measure of the others, unless there are few
            few = planned - progress.step < FEWEST or now.seconds - self._begun.seconds >= LONG * self._limit_s
            self._since = self._begun._replace(step=progress.step - 1) if few else now
        if now.step == self._since.step or not self._due(training, now.seconds, planned):
            return
        self._measure()
        over = progress.step >= planned
        end, left, step_s = self._end(training, now.seconds, fewest=0 if over else 1)
        more, least = abs(end - planned), max(FEWEST, WORTH * left)
        if over:
            least = self._worth(progress.step, step_s)
        if more and more >= least:
            self._move(training, end, step_s)

    def goes_on(self, training: Training) -> bool:
        """Whether training goes on after what was to be its last evaluation, and to what end it is moved: where evaluations take
        so much less than was kept for them that there is time for more learning by a tenth, or for a tenth of the time."""
        progress, clock = training.progress, training.clock
        if self._since is None or self._now.step != progress.step:  # resumed at its end: no pace is known
            return False
        if self._now.step > self._since.step:
            self._measure()
        end, _, step_s = self._end(training, clock.elapsed())
        if end <= progress.step or end - progress.step < self._worth(progress.step, step_s):
            return False
        self._at_ends_s += self._mark(clock, progress.step).beside - self._now.beside
        self._since = self._now = self._mark(clock, progress.step)
        if end != (progress.ends_at or self._planned):
            self._move(training, end, step_s)
        return (progress.ends_at or self._planned) > progress.step

    def _mark(self, clock: Clock, step: int) -> _Mark:
        beside = clock.spent["evaluation"] + clock.spent["checkpoint"] - self._at_ends_s
        return _Mark(clock.elapsed(), beside, clock.spent["input"], step)

    def _measure(self) -> None:
        """The pace since it was measured last."""
        assert self._since is not None
        now, since = self._now, self._since
        steps, self._since = now.step - since.step, now
        self._step_s = (now.seconds - since.seconds - (now.beside - since.beside)) / steps
        self._made_s = (now.made - since.made) / steps

    def _end(self, training: Training, elapsed: float, *, fewest: int = 0) -> tuple[int, int, float]:
        """(step that the pace leads to, steps that fit until then, seconds of each). fewest: that are made in any case"""
        progress, source = training.progress, making(training.source)
        left_s, step_s = (1 - SPARE) * (self._limit_s - elapsed), self._step_s
        beside_s = self._now.beside / progress.step
        if source is not None:  # what is made comes in bursts, so how long that took lately is no measure
            left = source.pace().within(left_s, max(0.0, step_s - self._made_s) + beside_s)
            step_s = left_s / left if left else step_s
        else:
            left = int(left_s / max(step_s + beside_s, 1e-9))
        end, latest = progress.step + max(fewest, left), self._latest(progress)
        return (end if latest is None else min(end, latest)), left, step_s

    def _worth(self, step: int, step_s: float) -> float:
        """Steps that are worth another end once the last is done: more learning by a tenth, or a tenth of the time."""
        return min(LONG * step, LONG * self._limit_s / max(step_s, 1e-9))

    @property
    def _limit_s(self) -> float:
        return self._deadline.training_s

    def _due(self, training: Training, elapsed: float, planned: int) -> bool:
        """Whether to ask now: at shares of the time of training, half-way through the plan, and at its end where time is left."""
        assert self._since is not None
        progress = training.progress
        if progress.step >= planned:
            return elapsed < (1 - SPARE) * self._limit_s
        if progress.step - self._since.step < FEWEST and elapsed - self._since.seconds < LONG * self._limit_s:
            return False
        before_s = min(
            elapsed, sum(training.clock.spent[part] for part in BEFORE)
        )  # of no share: a first few steps tell little
        shares = bisect_right(SHARES, (elapsed - before_s) / max(self._limit_s - before_s, 1e-9))
        half = 2 * progress.step >= planned and progress.half_asked != planned
        if (
            progress.half_asked
        ):  # the middle of what was left when the end was moved, or each move would ask again at once
            half = half and progress.step - self._since.step >= planned - progress.step
        due = shares > progress.ends_asked or half
        if due:
            progress.ends_asked = max(shares, progress.ends_asked)
            progress.half_asked = planned if 2 * progress.step >= planned else progress.half_asked
        return due
