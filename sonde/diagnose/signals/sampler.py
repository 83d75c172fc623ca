"""Looking at some of the steps: weights, gradients and updates, what layers give and the error that comes back."""

import math
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager

from sonde.core.records import StepRecord
from sonde.core.seams import Task
from sonde.diagnose.parameters import own_name
from sonde.diagnose.signals.allowance import Allowance
from sonde.diagnose.signals.compiled import compilations, has_compiled
from sonde.diagnose.signals.readings import Readings, in_words
from sonde.diagnose.signals.sample import Sample, Weights
from sonde.diagnose.signals.watch import ForwardWatch
from sonde.diagnose.signals.weighed import Weighed
from sonde.engine.step import Eager, Stepper

EARLY = (1, 2, 3, 4, 5, 8, 12, 20, 32, 50, 80, 128, 200, 320, 500)  # steps that are looked at where the time allows it
EVERY = 256  # steps from there on, at least
SURE = 5  # steps that are looked at whatever they take
NEVER = sys.maxsize


class Sampler:
    """Measures some of a stepper's steps; a sample is read from the device when the next is due.

    It times itself: what measuring takes over a usual step is counted against the `allowance`, and beyond the first `SURE`
    steps only as many are looked at as that has time for. Whatever goes wrong in measuring ends the measuring and nothing
    else: `trouble` says what did.
    """

    def __init__(self, task: Task, stepper: Stepper, *, first: int = 1, allowance: Allowance | None = None) -> None:
        """first: the step from which it is there"""
        self.allowance = allowance or Allowance()
        self.trouble = ""
        self._stepper = stepper
        self._names = {id(p): own_name(task, name) or name for name, p in task.modules.named_parameters()}
        self._modules = task.modules
        self._weighed: Weighed | None = None
        self._first = self.next = first
        self.compiled = has_compiled(task.modules)  # of which only the weights are looked at
        self._looking = 0.0  # seconds of the steps that were looked at
        self._looks = 0
        self._done = False
        self._waiting: _Unread | None = None

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Around the step that is due, which stands on the caller's stack; its record goes to `saw`."""
        begun = time.perf_counter()
        waiting = self._begin()
        execution = self._stepper.execution
        if waiting is None or waiting.watch is None or not isinstance(execution, Eager):
            yield
        else:
            execution.watch, before = waiting.watch, compilations()
            try:
                yield
            finally:
                del execution.watch
                waiting.watch.close()
            self.compiled = compilations() > before  # a function, seen once it was compiled anew
        self._end(waiting)
        self._looking += time.perf_counter() - begun

    @property
    def looked(self) -> bool:
        """Whether a step was looked at whose record is not known yet."""
        return self._done

    def saw(self, record: StepRecord) -> None:
        """The record of that step."""
        self._done = False
        self._looks += 1
        if self._waiting is not None:
            self._waiting.is_of(record, self._resting(record))
        self.next = NEVER if self.trouble else self._due_after(record.step)

    def _resting(self, record: StepRecord) -> set[int]:
        """Identities of the weights that phases move which did not run in a step, and none that did."""
        ran, rested = set[int](), set[int]()
        for update in self._stepper.updates:
            name = update.phase.name
            held = ran if f"{name}/loss" in record.losses else rested
            held |= {id(each) for each in self._stepper.held(name)}
        return rested - ran

    def _begin(self) -> "_Unread | None":
        """What is measured before a step; None where that fails."""
        try:
            if self._weighed is None:
                self._weighed = Weighed(self._modules, self._names)
            readings = Readings()
            watch = None if self.compiled else ForwardWatch(self._names, readings)
            return _Unread(readings, watch, self._weighed)
        except Exception as trouble:
            self.trouble = in_words(trouble)
            return None

    def _end(self, waiting: "_Unread | None") -> None:
        """Measure what the step did."""
        self._done = True
        if waiting is None:
            return
        try:
            waiting.after()
        except Exception as trouble:
            self.trouble = in_words(trouble)
        else:
            self._waiting = waiting
            self.trouble = "" if waiting.watch is None else waiting.watch.trouble

    def settle(self) -> list[Sample]:
        """The sample that waits on the device, read."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return []
        with self.allowance.spending():
            try:
                return [waiting.read()]
            except Exception as trouble:
                self.trouble, self.next = in_words(trouble), NEVER
                return []

    def _due_after(self, step: int) -> int:
        """The step to be looked at next: the first of those wished for by which there is time."""
        wished = next((each for each in EARLY if each > step), step + EVERY)
        taken, elapsed = step - self._first + 1, self.allowance.elapsed()
        if self._looks < SURE or taken <= self._looks:
            return wished
        usual = max(0.0, elapsed - self._looking) / (taken - self._looks)
        self.allowance.looking = max(0.0, self._looking - self._looks * usual)
        wait = self.allowance.wait_s()
        return wished if wait <= 0 or usual <= 0 else max(wished, step + int(wait / usual))


class _Unread:
    """A sample whose numbers are on the device."""

    def __init__(self, readings: Readings, watch: ForwardWatch | None, weighed: Weighed) -> None:
        """Made before the step."""
        self.watch = watch
        self._readings, self._weighed = readings, weighed
        self._before = weighed.before()

    def after(self) -> None:
        """Measure what the step did."""
        self._places = [self._readings.keep_all(each) for each in self._weighed.after(self._before)]
        self._before = ()

    def is_of(self, record: StepRecord, resting: Collection[int]) -> None:
        """Which step it was. resting: identities of weights whose turn it was not"""
        self._record, self._resting = record, resting
        self._phase = record.main.partition("/")[0]
        norm, loss, keep = record.norms.get(self._phase), record.losses.get(record.main), self._readings.keep
        self._norm = None if norm is None else keep(norm)
        self._loss = None if loss is None else keep(loss)

    def read(self) -> Sample:
        """All numbers at once."""
        at, watch = self._readings, self.watch
        return Sample(
            step=self._record.step,
            phase=self._phase,
            loss=float("nan") if self._loss is None else at[self._loss],
            norm=float("nan") if self._norm is None else at[self._norm],
            rate=self._record.lr,
            weights=self._weights(),
            outputs=() if watch is None else watch.outputs(),
            calls=() if watch is None else watch.loss_calls(),
            entry=None if watch is None else watch.entry(),
        )

    def _weights(self) -> Sequence[Weights]:
        sizes, gradients, updates = self._places
        turn = [0.0 if id(each.weight) not in self._resting else math.nan for each in self._weighed.weights]
        return [
            Weights(
                name=each.name,
                size=self._readings[sizes + place] / each.seen**0.5,
                gradient=self._readings[gradients + place] / each.entries**0.5 + turn[place],
                update=self._readings[updates + place] / each.seen**0.5 + turn[place],
                entries=each.entries,
                fan=each.fan,
                inputs=each.inputs,
                summed=each.summed,
            )
            for place, each in enumerate(self._weighed.weights)
        ]
