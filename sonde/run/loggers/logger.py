"""Sending a run's numbers to a tracker of experiments, by a thread of its own whose trouble is a finding, never the run's end."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

from sonde.core.bounds import flag
from sonde.core.errors import ConfigError, first_line
from sonde.core.findings import Finding
from sonde.core.records import RUN_ENDS, EvaluationRecord, EventRecord, Record, StepRecord

EVERY_S = 2.0  # between two sendings: a database takes tens of milliseconds, a server more
BEGIN_S = 30.0  # that the run waits for a tracker before it begins; one that answers later is still sent everything
END_S = 60.0  # and when it ends

Ending = Literal["finished", "failed", "interrupted"]


class Point(NamedTuple):
    """Values at a step. when: seconds since 1970"""

    step: int
    when: float
    values: Mapping[str, float]


@dataclass(frozen=True, kw_only=True)
class About:
    """What a tracker is told of a run before its first step.

    name, folder: of the run folder;  settings: by name, as in config.yaml
    known_as: what the tracker called this run before it was resumed; None for a new one
    """

    name: str
    folder: str
    settings: Mapping[str, Any]
    known_as: str | None


class Tracker(Protocol):
    """A run in somebody else's tracker. Each method may take long and may raise whatever that package raises."""

    name: str

    def refusal(self, trouble: Exception) -> str:
        """What to do about an error at the beginning that the user can mend; "" for one that may pass, such as no network."""
        ...

    def begin(self, about: About) -> str:
        """Begin or continue the run. Returns what the tracker calls it."""
        ...

    def send(self, points: Sequence[Point]) -> None: ...
    def result(self, result: Mapping[str, Any], findings: Sequence[str]) -> None:
        """Final metrics and how the run ended, and a line for each finding."""
        ...

    def close(self, ending: Ending) -> None: ...


class Logger:
    """An observer that sends losses (every `log_every` steps), evaluations, logged numbers and the result to a tracker.

    Its state is what the tracker calls the run, so that a resumed run continues there.
    """

    def __init__(
        self, tracker: Tracker, *, log_every: int, findings: Sequence[Finding], found: Callable[[Finding], None]
    ) -> None:
        """findings: of the run, a list that grows;  found: told of trouble here, in the training thread"""
        self.name, self.known_as = tracker.name, ""
        self._findings = findings
        self._tracker, self._log_every, self._found = tracker, log_every, found
        self._points: list[Point] = []
        self._result: tuple[Mapping[str, Any], list[str]] | None = None
        self._ending: Ending | None = None
        self._wake, self._begun = threading.Condition(), threading.Event()
        self._trouble: Exception | None = None
        self._told = False

    def begin(self, about: About) -> None:
        """Start sending. Raises: ConfigError for what the user can mend"""
        self.known_as = about.known_as or ""
        self._thread = threading.Thread(target=self._work, args=(about,), name=f"sonde-{self.name}", daemon=True)
        self._thread.start()
        if not self._begun.wait(BEGIN_S):
            self._tell(f"{self.name} did not answer within {BEGIN_S:.0f} s", "nothing, it is sent once it answers")
        if self._trouble is not None and (remedy := self._tracker.refusal(self._trouble)):
            raise ConfigError(f"{flag('log')} {self.name}: {first_line(self._trouble)}; {remedy}") from self._trouble
        self._look()

    def __call__(self, record: Record) -> None:
        if type(record) is StepRecord:
            if record.step % self._log_every == 0:
                values = {f"train/{name}": float(value) for name, value in record.losses.items()}
                values |= {f"norm/{name}": float(value) for name, value in record.norms.items()}
                self.add(record.step, values | {"lr": record.lr, "epoch": record.epoch})
        elif isinstance(record, EvaluationRecord):
            self.add(record.step, {f"{record.split}/{name}": float(value) for name, value in record.metrics.items()})
        elif isinstance(record, EventRecord) and record.event == RUN_ENDS:
            lines = [f"{found.severity}: {found.check}: {found.evidence}" for found in self._findings]
            with self._wake:
                self._result = record.details, lines

    def state_dict(self) -> dict[str, Any]:
        """What the tracker calls the run; empty while it has not answered."""
        return {"id": self.known_as} if self.known_as else {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing: `begin` was told, before the state was loaded."""

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Send values at a step, some time soon."""
        with self._wake:
            self._points.append(Point(step, time.time(), dict(values)))
        self._look()

    def close(self, ending: Ending = "finished") -> None:
        """Send what is left and end the tracker's run; waits for at most `END_S`."""
        with self._wake:
            self._ending = ending
            self._wake.notify()
        self._thread.join(END_S)
        if self._thread.is_alive():
            self._tell(f"{self.name} was not done sending {END_S:.0f} s after the run", "check what it holds")
        self._look()

    def _look(self) -> None:
        if self._trouble is not None:
            self._tell(
                f"{self.name} failed and is sent nothing more: {type(self._trouble).__name__}: {first_line(self._trouble)}",
                f"metrics.jsonl and TensorBoard hold everything; a resume with log={self.name!r} continues there",
            )

    def _tell(self, evidence: str, action: str) -> None:
        if not self._told:
            self._told = True
            finding = Finding(
                check=f"log {self.name}",
                name=f"log-{self.name}",
                severity="warning",
                evidence=evidence,
                action=action,
            )
            self._found(finding)

    def _work(self, about: About) -> None:
        """Of the thread: begin, then send what has come together every `EVERY_S`, until the run is closed."""
        try:
            self.known_as = self._tracker.begin(about)
            self._begun.set()
            while True:
                with self._wake:
                    self._wake.wait_for(lambda: self._ending is not None, timeout=EVERY_S)
                    points, self._points = self._points, []
                    result, ending = self._result, self._ending
                if points:
                    self._tracker.send(points)
                if ending is not None:
                    if result is not None:
                        self._tracker.result(*result)
                    self._tracker.close(ending)
                    return
        except Exception as trouble:  # handed to the training thread
            self._trouble = trouble
            self._begun.set()
