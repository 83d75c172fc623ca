"""`report.html` renewed while a run trains, as seldom as a hundredth of its time allows."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sonde.core.errors import RunFolderError
from sonde.core.records import EPOCH_ENDS, EvaluationRecord, EventRecord, Record
from sonde.run.report import write_report

SHARE = 0.01  # of the training's time
FIRST_S = 60.0  # what the first takes is not known: 0.3 s with loading its template, more on slow disks; shorter runs need none
PATIENT = (
    3.0  # times the period that is expected, until which a page is said to be due again: evaluations may get slower
)


class Renewal:
    """An observer that draws the report at evaluations and at ends of epochs. The last one, with the result, is `finish`'s.

    draw: is told in how many seconds the page will have been drawn anew, unless training has ended
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[Path, float], Path] | None = None,
    ) -> None:
        self._folder, self._clock = folder, clock
        self._draw = draw or (lambda place, seconds: write_report(place, renewed_within_s=seconds))
        self._before = clock()  # when it could have been drawn last
        self._due = self._before + FIRST_S
        self._wait, self._gap = FIRST_S, 0.0  # after a drawing; between moments at which it can be drawn

    def __call__(self, record: Record) -> None:
        began = self._clock()
        if not (
            isinstance(record, EvaluationRecord) or (isinstance(record, EventRecord) and record.event == EPOCH_ENDS)
        ):
            return
        self._before, self._gap = began, max(self._gap, began - self._before)
        if began < self._due:
            return
        with suppress(RunFolderError):  # a full disk: what must be written says so, and this need not
            self._draw(self._folder, PATIENT * (self._wait + self._gap))
        done = self._clock()
        self._wait = max(self._wait, (done - began) / SHARE)
        self._due = done + (done - began) / SHARE
