"""Progress of training: a row of a table per epoch, and a line in place that a terminal refreshes a few times a second."""

import math
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from sonde.core.records import (
    END_MOVED,
    EPOCH_ENDS,
    LENGTH_KNOWN,
    RUN_ENDS,
    STAGE_BEGINS,
    EvaluationRecord,
    EventRecord,
    Record,
    StepRecord,
)
from sonde.core.units import count, counted, duration, metric, metric_name, number, rate
from sonde.screen.output import Output

if TYPE_CHECKING:
    from sonde.core.acting import Experience

LIVE_EVERY_S = 0.25  # reading a loss waits for the device, so seldom
PLAIN_EVERY_S = 10.0
WINDOW = 32  # steps whose losses are averaged for display
MOST_ENDS, FAR = 2, 0.5  # how often a moved end is said, and how far from the one before, as a share of it
MOST_ROWS = (
    60  # of the table; longer runs show every second, third, … epoch, or evaluations that are so far apart; of unknown
)
# length, one per PLAIN_EVERY_S
MOST_HEADING = 40  # characters of a column's name


@dataclass(frozen=True)
class Column:
    """Of the table. width: at least;  spare: the higher, the sooner it is left out where there is no room; 0 for never"""

    name: str
    value: str
    width: int = 0
    spare: int = 0

    def texts(self) -> tuple[str, str]:
        """(name, value) of one width."""
        width = max(self.width, len(self.name), len(self.value))
        return f"{self.name:<{width}}", f"{self.value:<{width}}"


def fitting(columns: Sequence[Column], width: int | None) -> list[Column]:
    """The columns that a line of this width has room for.

    >>> both = [Column("epoch", "1/4", 9), Column("rows/s", "4,060", 8, spare=5), Column("left", "41 s", 9)]
    >>> [each.name for each in fitting(both, 30)], [each.name for each in fitting(both, 40)]
    (['epoch', 'left'], ['epoch', 'rows/s', 'left'])
    """
    kept = list(columns)
    while width is not None and sum(2 + len(each.texts()[0]) for each in kept) >= width:
        least = max(kept, key=lambda each: each.spare)
        if not least.spare:
            break
        kept.remove(least)
    return kept


class Progress:
    """An observer (`core.seams.Observer`) and a context manager; holds nothing that a resumed run would need.

    Between two refreshes a step costs one look at the clock: losses are kept unread, and the device is waited for only
    when something is written. Losses shown are means over the last `WINDOW` steps since the row before; rows a second leave
    evaluation out.
    """

    def __init__(
        self,
        output: Output,
        *,
        epochs: float | None,
        steps: int | None,
        batches_per_epoch: int | None,
        metric: str | None,
        within_s: float | None = None,
        timed: bool = False,
        several: bool = False,
    ) -> None:
        """steps: planned; None where only the data's end will tell
        within_s: seconds from now in which the run ends in any case
        timed: whether that is what ends it, so that the number of steps is an estimate, which moves
        several: whether there are several phases, so that the loss and the rate are told with their phase
        """
        self._experience: Callable[[], Experience | None] = lambda: None
        self._before: Experience | None = None  # at the row before, at first at the first step
        self._several, self._timed = several, timed and within_s is not None
        self._ends = math.inf if within_s is None else time.monotonic() + within_s
        self._output, self._steps = output, steps
        self._batches, self._metric = batches_per_epoch, metric
        self._every = LIVE_EVERY_S if output.live else PLAIN_EVERY_S
        self._next = float("inf") if output.quiet else time.monotonic() + self._every
        self._losses: deque[Any] = deque(maxlen=WINDOW)
        self._main = ""  # name of the loss that is shown
        self._last: StepRecord | None = None
        self._first_step = 0  # of this sitting
        self._began = 0.0  # time of the first step of this sitting
        self._rows = 0  # since the last row of the table
        self._rows_since = 0.0
        self._row_step = 0  # step of the last row
        self._row_epoch = 0  # epochs that were done at the last row of an evaluation
        self._latest = ""  # the latest value of the metric
        self._beside: str | None = None  # the metric that a result is told by, where another one chooses the checkpoint
        self._latest_beside = ""
        self._headed = False
        self._moved = False  # whether the end has moved, so that totals say nothing that lasts
        self._ends_said = self._end_said = 0  # how often that was said, and which end at last
        self._planned = (
            epochs if epochs is not None else steps / batches_per_epoch if steps and batches_per_epoch else None
        )
        self._stride = max(1, math.ceil((self._planned or 1) / MOST_ROWS))

    def follow(self, experience: "Callable[[], Experience | None]") -> None:
        """Show this too: how far a run is that acts, None for one that reads rows."""
        self._experience = experience

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._output.clear()
        if kind is None and self._last is not None and self._row_step != self._last.step:
            self._row(self._last, "")
        self._next = float("inf")

    def __call__(self, record: Record) -> Literal["continue"]:
        if type(record) is StepRecord:
            last = self._last
            if last is None:
                self._start(record)
            elif record.epoch != last.epoch and self._row_step != last.step:
                self._epoch_ended(last)
            if record.main and record.main != self._main:  # another stage has begun, with another loss
                self._main = record.main
                self._losses.clear()
                self._headed = self._headed and not self._several  # the head names the phase
            self._last = record
            self._rows += record.rows
            loss = record.losses.get(self._main)
            if loss is not None:
                self._losses.append(loss)
            if time.monotonic() >= self._next:
                self._refresh(record)
        elif isinstance(record, EvaluationRecord):
            self._evaluated(record)
        elif isinstance(record, EventRecord) and record.event not in (EPOCH_ENDS, RUN_ENDS):
            self._event(record)
        return "continue"

    def _start(self, record: StepRecord) -> None:
        now = time.monotonic()
        self._main = next((name for name in record.losses if name.endswith("/loss")), "")
        self._first_step, self._began, self._rows_since = record.step, now, now
        self._rows = -record.rows  # the first step ends where the clock starts
        self._before = self._experience()  # with the experience that was before it
        self._row_step, self._row_epoch = record.step - 1, record.epoch // self._stride * self._stride

    def _epoch_ended(self, last: StepRecord) -> None:
        """Without an evaluation: where a run is evaluated at other times, those make the rows, and time does."""
        due = time.monotonic() - self._rows_since >= PLAIN_EVERY_S
        if self._batches and self._metric is None:
            due = (last.epoch + 1) % self._stride == 0
        elif self._batches:
            due = due and self._output.live  # elsewhere a line as often says how far it is
        if due:
            self._row(last, "")

    def _evaluated(self, record: EvaluationRecord) -> None:
        if record.split != "validation" or self._metric is None or self._output.quiet:
            return
        self._rows_since += record.seconds
        self._latest = metric(self._metric, record.metrics.get(self._metric))
        first = next(iter(record.metrics), self._metric)
        if not self._headed and first not in (self._metric, "loss"):
            self._beside = first
        if self._beside is not None:
            self._latest_beside = metric(self._beside, record.metrics.get(self._beside))
        at_end = self._steps is not None and record.step >= self._steps
        if self._last is not None and (
            at_end or record.epoch + 1 - self._row_epoch >= self._stride or self._stride == 1
        ):
            self._row_epoch = record.epoch + 1
            self._row(self._last, self._latest)
        elif self._last is not None:
            self._row_step = self._last.step

    def _event(self, record: EventRecord) -> None:
        if record.event in (END_MOVED, LENGTH_KNOWN) and "to" in record.details:
            self._steps = int(record.details["to"])
            self._planned = self._steps / self._batches if self._batches else self._planned
        if record.event == END_MOVED and "to" in record.details:
            self._moved = True
            self._end_moved(record)
            return
        if record.event == STAGE_BEGINS:
            self._output.row(f"  stage {record.details['stage']} begins at step {count(record.step)}")
            return
        shown = {name: value for name, value in record.details.items() if not isinstance(value, Mapping)}
        details = ", ".join(f"{'' if name == 'why' else name + ' '}{value}" for name, value in shown.items())
        self._output.row(f"  step {count(record.step)}: {record.event}" + (f" ({details})" if details else ""))

    def _end_moved(self, record: EventRecord) -> None:
        """Said once, and again only for an end far from the one that was said: what is left stands in every row. Always where
        training goes on after it had come to its end, since the rate rises again."""
        end, why = int(record.details["to"]), record.details.get("why", "")
        far = abs(end - self._end_said) > FAR * self._end_said
        goes_on = record.step >= record.details.get("from", math.inf)
        if not goes_on and (self._ends_said >= MOST_ENDS or (self._ends_said and not far)):
            return
        self._ends_said, self._end_said = self._ends_said + 1, end
        text = f"  step {count(record.step)}: training will end at step {count(end)}" + (f" ({why})" if why else "")
        self._output.row(text, style="dim")

    def _refresh(self, record: StepRecord) -> None:
        now = time.monotonic()
        self._next = now + self._every
        if self._output.live and self._headed:
            _, cells = self._columns(record, self._latest, self._latest_beside, now)
            self._output.transient(cells)
            return
        left = self._left(record, now)
        told = f"loss {number(self._loss())}"
        if (now_at := self._experience()) is not None:
            told = _so_far(now_at)
        text = f"  step {self._of_all(record.step)}, {told}" + (f", {left} left" if left else "")
        self._output.transient(text) if self._output.live else self._output.row(text)

    def _row(self, record: StepRecord, latest: str) -> None:
        if self._output.quiet:
            return
        now = time.monotonic()
        head, cells = self._columns(record, latest, self._latest_beside if latest else "", now)
        self._header(head)
        self._output.row(cells)
        self._before = self._experience()
        self._rows, self._rows_since, self._row_step = 0, now, record.step
        self._losses.clear()
        # where rows come by time, a line just before each would say the same twice
        self._next = now + self._every * (1 if self._output.live or self._batches else 2)

    def _header(self, head: str) -> None:
        if not self._headed:
            self._headed = True
            self._output.row(head, style="dim")

    def _columns(self, record: StepRecord, latest: str, beside: str, now: float) -> tuple[str, str]:
        """The table's head and one line under it; of what a narrow terminal has no room for, the speed goes first."""
        seconds = now - self._rows_since
        speed = rate(self._rows / seconds) if seconds > 0 and self._rows > 0 else ""
        of = f"{self._main.removesuffix('/loss')} " if self._several else ""
        columns = [Column("epoch" if self._batches else "step", self._place(record), 9)]
        taken = self._experience()
        columns += [] if taken is None else _taken(taken)
        columns.append(Column(f"{of}loss", number(self._loss()), 8, spare=0 if taken is None else 6))
        if self._metric is not None:
            columns.append(Column(_heading(f"validation {metric_name(self._metric)}"), latest, spare=1))
        if self._beside is not None:
            columns.append(Column(_heading(metric_name(self._beside)), beside, spare=3))
        columns.append(Column(f"{of}lr", number(record.lr, 2), 8, spare=4))
        if taken is None:
            columns.append(Column("rows/s", speed, 8, spare=5))
        else:
            columns += _pace(taken, self._before, seconds)
        columns.append(Column("left", self._left(record, now), 9))
        columns = fitting(columns, self._output.width)
        head, cells = zip(*(each.texts() for each in columns), strict=True)
        return "  " + "  ".join(head), "  " + "  ".join(cells)

    def _place(self, record: StepRecord) -> str:
        if not self._batches:
            return self._of_all(record.step)
        done = record.step / self._batches
        return _short(done) if self._moved else f"{_short(done)}/{_short(self._planned or done)}"

    def _of_all(self, step: int) -> str:
        return count(step) if self._steps is None or self._moved else f"{count(step)}/{count(self._steps)}"

    def _loss(self) -> float | None:
        values = [float(value) for value in self._losses]
        return sum(values) / len(values) if values else None

    def _left(self, record: StepRecord, now: float) -> str:
        done = record.step - self._first_step
        if self._steps is None or (self._timed and record.step < self._steps):
            return duration(max(0.0, self._ends - now)) if math.isfinite(self._ends) else ""
        if done <= 0 or record.step >= self._steps:
            return ""
        return duration(min((now - self._began) / done * (self._steps - record.step), max(0.0, self._ends - now)))


def _so_far(taken: "Experience") -> str:
    """In the words of a line."""
    if taken.games is not None:
        return f"{counted(taken.games, 'game', 'games')} and {counted(taken.steps, 'move', 'moves')} of self-play"
    lately = "" if taken.returned is None else f", train return {metric('return', taken.returned)}"
    return f"{count(taken.steps)} environment steps{lately}"


def _taken(taken: "Experience") -> list[Column]:
    """What a person counts of a run that acts."""
    if taken.games is not None:
        return [Column("games", count(taken.games), spare=2)]
    return [
        Column("env steps", count(taken.steps), spare=2),
        Column("train return", metric("return", taken.returned), spare=1),
    ]


def _pace(taken: "Experience", before: "Experience | None", seconds: float) -> list[Column]:
    """Steps of the environments, or moves, a second since the row before, and what share of that time each part took."""
    steps = taken.steps - (0 if before is None else before.steps)
    spent = {part: s - (0.0 if before is None else before.seconds.get(part, 0.0)) for part, s in taken.seconds.items()}
    whole = sum(spent.values())
    shares = ", ".join(f"{100 * each / whole:.0f}" for each in spent.values()) + " %" if whole > 0 else ""
    speed = rate(steps / seconds) if seconds > 0 and steps > 0 else ""
    names = ", ".join({"environment": "env", "self_play": "self-play"}.get(part, part) for part in spent)
    what = "env steps/s" if taken.games is None else "moves/s"
    return [Column(what, speed, 8, spare=5), Column(names, shares, spare=7)]


def _heading(name: str) -> str:
    """The beginning and the end of a column's name that is longer than there is room for."""
    return name if len(name) <= MOST_HEADING else f"{name[: MOST_HEADING - 11]}…{name[-10:]}"


def _short(value: float) -> str:
    return f"{value:.0f}" if abs(value - round(value)) < 5e-3 else f"{value:.1f}"
