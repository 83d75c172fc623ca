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


class Renewal:
    """An observer that draws the report at evaluations and at ends of epochs. The last one, with the result, is `finish`'s."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[Path], Path] = write_report,
    ) -> None:
        self._folder, self._clock, self._draw = folder, clock, draw
        self._due = clock() + FIRST_S

    def __call__(self, record: Record) -> None:
        began = self._clock()
        ends = isinstance(record, EvaluationRecord) or (isinstance(record, EventRecord) and record.event == EPOCH_ENDS)
        if not ends or began < self._due:
            return
        with suppress(RunFolderError):  # a full disk: what must be written says so, and this need not
            self._draw(self._folder)
        done = self._clock()
        self._due = done + (done - began) / SHARE
