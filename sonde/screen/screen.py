"""All that a run prints, in the order in which it happens. Takes plain data, so it never needs torch."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from sonde.core.marks import cut_words, visible
from sonde.core.units import count
from sonde.screen.diagnosis import diagnosis_lines
from sonde.screen.output import INDENT, Output, encodable
from sonde.screen.progress import Progress
from sonde.screen.summary import data_lines, findings_lines, result_lines, time_line
from sonde.screen.tables import plain_table, rich_table

if TYPE_CHECKING:
    from sonde.core.dataset import Fact
    from sonde.core.seams import Objective

PATIENCE_S = 1.0  # work shorter than this shows no progress
PLAIN_EVERY_S = 10.0  # between progress lines where nothing can be overwritten
REFRESH_S = 0.1

_STYLES = {"error": "red", "warning": "yellow", "note": "cyan"}


class Screen:
    """What a person sees: rich on a terminal and in notebooks, plain lines elsewhere, errors alone when quiet.

    file: where all but errors go; by default standard output
    spelling: what a program reads settings in (`run/keywords`), by default the command line's
    """

    def __init__(
        self, quiet: bool = False, file: TextIO | None = None, spelling: Callable[[str], str] | None = None
    ) -> None:
        self.quiet = quiet
        self.output = Output(quiet=quiet, file=file, spelling=spelling)
        self._work = ""  # the label `tick` is following
        self._work_began = 0.0
        self._work_shown = 0.0

    def data(self, facts: "Sequence[Fact]", found: Sequence[Mapping[str, Any]] = ()) -> None:
        """What was read, each fact with its reason, and what was found to be odd about it."""
        self.output.block("data", [f"{fact.what} ({fact.why})" if fact.why else fact.what for fact in facts])
        for severity, text in data_lines(found):
            self.output.line(text, label=severity, style=_STYLES.get(severity, ""))

    def task(self, text: str, model_text: str, settings: str = "") -> None:
        """The task and the model. settings: of the task that were chosen for these data, each with its reason"""
        self.output.block("task", [text, *([settings] if settings else [])])
        self.output.line(model_text, label="model")

    def plan(self, lines: Sequence[str]) -> None:
        """How the run is carried out."""
        self.output.block("plan", lines)

    def folder(self, path: Path | str) -> None:
        """Where the run is written."""
        self.output.line(str(path), label="run", whole=True)

    def tick(self, label: str, done: int, total: int) -> None:
        """A `core.progress.Tick`: shows work that takes over a second, in place on a terminal, else every ten seconds."""
        now = time.monotonic()
        if label != self._work:
            self._work, self._work_began, self._work_shown = label, now, 0.0
        if total and done >= total:
            self._work = ""
            self.output.clear()
            return
        began = now - self._work_began
        pause = REFRESH_S if self.output.live else PLAIN_EVERY_S
        wait = PATIENCE_S if self.output.live else PLAIN_EVERY_S
        if self.quiet or began < wait or now - self._work_shown < pause:
            return
        self._work_shown = now
        amount = f"{count(done)}/{count(total)}" if total else count(done)
        text = f"{'':<{INDENT}}{label}  {bar(done, total) if self.output.live else ''}{amount}"
        self.output.transient(text) if self.output.live else self.output.row(text)

    def progress(
        self,
        *,
        epochs: float | None,
        steps: int | None,
        batches_per_epoch: int | None,
        objective: "Objective | None",
        within_s: float | None = None,
        timed: bool = False,
        several: bool = False,
    ) -> Progress:
        """An observer that shows the progress of training, while it is entered.

        epochs, steps: planned;  objective: which validation metric to show
        within_s: seconds from now in which the run ends in any case;  timed: whether that is what ends it
        several: whether there are several phases
        """
        return Progress(
            self.output,
            epochs=epochs,
            steps=steps,
            batches_per_epoch=batches_per_epoch,
            metric=None if objective is None else objective.metric,
            within_s=within_s,
            timed=timed,
            several=several,
        )

    def result(self, result: Mapping[str, Any]) -> None:
        """The closing summary of a `result.json`: the main metric, its baseline, where the time went."""
        first, *more = result_lines(result)
        self.output.line(first, label="result", style="bold green")
        self.output.block(" ", more)
        line = time_line(result.get("seconds") or {})
        if line:
            self.output.line(line, label="time")

    def findings(
        self,
        found: Sequence[Mapping[str, Any]],
        diagnosis: Sequence[str] = (),
        *,
        most: int | None = None,
        told: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Findings of the automatic checks, most severe first, of these causes first (`summary.findings_lines`).

        told: what was shown before, which is only named
        """
        if told:
            names = dict.fromkeys(str(each["check"]) for each in told)
            self.output.line(f"told above: {', '.join(names)}", label="checks")
        elif not found:
            self.output.line("nothing found", label="checks")
        for severity, text in findings_lines(found, diagnosis, most=most):
            self.output.line(text, label=severity, style=_STYLES.get(severity, ""))

    def diagnosis(self, found: Sequence[Mapping[str, Any]]) -> None:
        """Findings one after the other, the likeliest cause first, each with what to do about it."""
        if not found:
            self.output.line("nothing found", label="checks")
        for severity, lines in diagnosis_lines(found):
            self.output.line(lines[0], label=severity, style=_STYLES.get(severity, ""))
            self.output.block(" ", lines[1:])

    def state(self, text: str) -> None:
        """In what state a run without a result is."""
        self.output.line(text, label="state")

    def next(self, lines: Sequence[str]) -> None:
        """Commands that one may want to run next."""
        self.output.block("next", lines, whole=True)

    def say(self, text: str) -> None:
        """Any other text, as it is."""
        self.output.line(text)

    def write(self, text: str) -> None:
        """Text as it comes, without an end of line: what a model generates."""
        self.output.write(text)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """A listing: a rich table on a terminal, aligned columns with their title when piped."""
        if self.quiet:
            return
        self.output.clear()
        spelled = self.output.spelled
        title, columns = visible(spelled(title)), [visible(spelled(column)) for column in columns]
        rows = [[visible(spelled(cell)) if isinstance(cell, str) else cell for cell in row] for row in rows]
        if self.output.rich:
            self.output.console().print(rich_table(title, columns, rows))
            return
        for line in plain_table(title, columns, rows):
            self.output.raw(line)

    def warning(self, message: str) -> None:
        """One line on standard error, also when quiet: output may be read by a program."""
        self._to_stderr(f"sonde: warning: {message}")

    def stopped(self, message: str) -> None:
        """One line on standard error of a run that stopped because it was asked to, which is no error; also when quiet."""
        self._to_stderr(f"sonde: {message}")

    def error(self, message: str) -> None:
        """One line on standard error, also when quiet."""
        self._to_stderr(f"sonde: error: {message}")

    def _to_stderr(self, message: str) -> None:
        self.output.clear()
        text = cut_words(visible(" ".join(self.output.spelled(message).splitlines())))
        sys.stderr.write(encodable(text, sys.stderr) + "\n")
        sys.stderr.flush()


def bar(done: int, total: int, width: int = 24) -> str:
    """A bar of `width` characters; empty where the total is unknown.

    >>> bar(1, 2, width=4)
    '━━──  '
    """
    if not total:
        return ""
    full = round(width * min(1.0, done / total))
    return "━" * full + "─" * (width - full) + "  "
