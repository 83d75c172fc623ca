"""Evaluating a task on a source: no training state touched, metrics added up as it goes, gradients only where they are needed."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from sonde.core.batch import Batch
from sonde.core.errors import ConfigError
from sonde.core.pace import Played, leaving_off
from sonde.core.progress import Tick, silent
from sonde.core.seams import Meter, Source, Task, abilities_of, rewinds
from sonde.engine import random_state
from sonde.engine.execution.settings import StepSettings, autocast, drawn
from sonde.engine.met import note_batch
from sonde.optim.ema import EMA

WANTS_GRADIENTS = (
    "does not require grad",
    "Inference tensors cannot be saved",
    "requires_grad=True on inference tensor",
)


class WithoutGradients:
    """Calls a task's `evaluate` or `predict` in inference mode; with gradients, once that has shown to need some.

    A residual of a differential equation is made of derivatives by the input, and so are saliency and adversarial examples.
    What is returned is detached.
    """

    def __init__(self, function: Callable[[Batch], Mapping[str, Tensor]]) -> None:
        self._function = function
        self._derives = False

    def mode(self) -> AbstractContextManager[Any]:
        """That for what is done with the outputs."""
        return torch.no_grad() if self._derives else torch.inference_mode()

    def __call__(self, batch: Batch) -> Mapping[str, Tensor]:
        """Raises: what the function raises, but for torch's refusal to derive in inference mode"""
        if not self._derives:
            try:
                with torch.inference_mode():
                    return self._function(batch)
            except RuntimeError as trouble:
                if not any(words in str(trouble) for words in WANTS_GRADIENTS):
                    raise
                self._derives = True
                torch.clear_autocast_cache()  # of weights cast in inference mode
        with torch.enable_grad():
            return detached(self._function(batch))


def detached(found: Any) -> Any:
    """Tensors in dicts, lists and tuples without their graphs."""
    if isinstance(found, Tensor):
        return found.detach()
    if isinstance(found, dict):
        return {name: detached(value) for name, value in found.items()}
    return type(found)(map(detached, found)) if type(found) in (list, tuple) else found


@contextmanager
def evaluation_mode(modules: nn.Module, average: EMA | None = None) -> Iterator[None]:
    """Evaluation mode and, where there is one, the averaged weights; each module's own mode is put back after."""
    modes = [(module, module.training) for module in modules.modules()]
    modules.eval()
    try:
        if average is None:
            yield
        else:
            with average.applied():
                yield
    finally:
        for module, mode in modes:
            module.training = mode


CHUNK = 16  # rows that are evaluated together at least


class EvaluationBudget:
    """Keeps one evaluation inside its seconds: where the whole would take longer, rows are left out evenly over the split.

    Sequences are read from the longest to the shortest, so the first rows would not stand for all; of each batch therefore the
    same share is taken. Which rows those are is never silent: `evaluated` of `rows` is for the result.
    """

    def __init__(
        self,
        seconds: float,
        *,
        rows: int | None,
        row_s: float | None = None,
        aim_s: float | None = None,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        """rows: of the split, where known;  row_s: seconds that a row is expected to take, until some were measured
        aim_s: in which it is planned, where it may take longer before it is given up
        """
        self._now, self._begun = now, now()
        self.until = self._begun + seconds
        self._aim = self._begun + (seconds if aim_s is None else aim_s)
        self.rows = rows
        self.evaluated = self.seen = 0
        self.stopped = False  # before the source's end
        self.told = False  # whether it was said that it is of a part of the rows
        self.why = ""  # nothing of it is evaluated, where that was decided before
        self.took_s = 0.0  # once it is over
        self.played = False  # whether rows are made while they are read, such as games: of a batch all are taken
        self.which = ", evenly spaced"  # of the rows they are, where not all were evaluated
        self._row_s, self._owed = row_s, 0.0

    @property
    def whole(self) -> bool:
        """Whether every row was evaluated."""
        return self.evaluated == self.seen and not self.stopped

    def ended(self, played: Played | None) -> None:
        """The evaluation is over. played: the source, where it tells which of its rows they are and may have left off itself"""
        self.took_s = self._now() - self._begun
        if played is not None:
            self.which = played.which
            self.stopped = self.stopped or played.so_far[0] < played.so_far[1]

    @property
    def nothing(self) -> bool:
        """Whether it has ended with not one row evaluated."""
        return self.stopped and not self.evaluated

    @property
    def left_s(self) -> float:
        """Of its seconds; 0 or less where they are over."""
        return self.until - self._now()

    @property
    def aim_s(self) -> float:
        """Seconds in which it is planned."""
        return self._aim - self._now()

    @property
    def over(self) -> bool:
        """Whether its seconds are over."""
        return self.left_s <= 0

    def stops(self, *, last: bool) -> bool:
        """Whether to read no further. last: the batch just taken was the split's last"""
        self.stopped = self.stopped or (not last and self.over)
        return self.stopped

    def take(self, batch: Batch) -> Batch | None:
        """The rows of a batch that there is time for; None for none of it. Some rows are evaluated in any case.

        Never fewer than `CHUNK` at a time: a search takes about as long for one row as for many.
        """
        here, left_s = len(batch), self.left_s
        if self.played:
            self.seen, self.evaluated = self.seen + here, self.evaluated + here
            return batch
        share = self._share(here, left_s)
        before, self.seen = self.seen, self.seen + here
        self._owed += share * here
        chunk = min(CHUNK, here)
        if self.evaluated == 0 and (
            self._plenty(share, here) or left_s <= 0 or 2 * (before + here) >= (self.rows or 0)
        ):
            self._owed = max(self._owed, chunk)
        if self._owed + 1e-9 < chunk:
            return None
        count = min(here, int(self._owed + 1e-9))
        self._owed -= count
        self.evaluated += count
        if count == here:
            return batch
        chosen = (torch.arange(count) * here) // count
        return batch.rows(chosen)

    def _plenty(self, share: float, here: int) -> bool:
        """Whether so many rows are to come that some of the first, which may be the longest, do no harm among them."""
        return share * (self.rows or here) >= 2 * CHUNK

    def _share(self, here: int, left_s: float) -> float:
        left = here if self.rows is None else max(here, self.rows - self.seen)
        row_s, lenient = self._row_s, 1.0
        if self.evaluated:
            row_s = (self._now() - self._begun) / self.evaluated
            lenient += left / max(1, self.rows or self.seen + here)  # the first rows may be the longest
        if row_s is None or row_s * left <= lenient * left_s:
            return 1.0
        return max(0.0, left_s / (row_s * left))


def checked_meter(task: Task) -> Meter:
    """A fresh meter. Raises: ConfigError for what lacks a method that evaluations call"""
    meter = task.meter()
    lacks = [name for name in ("update", "compute", "details") if not callable(getattr(meter, name, None))]
    if lacks:
        raise ConfigError(
            f"{type(task).__name__}.meter() gives a {type(meter).__name__} without {' and '.join(lacks)}; see sonde.Meter, or "
            "leave meter out for means of what evaluate returns"
        )
    return meter


def evaluate(
    task: Task,
    source: Source,
    settings: StepSettings,
    *,
    average: EMA | None = None,
    tick: Tick = silent,
    label: str = "evaluating",
    brief: bool = False,
    budget: EvaluationBudget | None = None,
) -> Meter:
    """The task's meter after one pass over `source`, which must be one that does not shuffle.

    brief: with less work, where the task has a way (`Abilities.quick_evaluate`)
    budget: seconds it may take; afterwards it tells how many rows were evaluated, of rows that are made while they are read
            maybe none
    tick: called after each batch, and while rows are made; where it raises, the evaluation ends

    What a task draws while it is evaluated is not missing from the streams that training draws from.
    """
    meter = checked_meter(task)
    quick = abilities_of(task).quick_evaluate if brief else None
    look = WithoutGradients(quick or task.evaluate)
    begins = source.state_dict() if budget is not None else {}
    done = 0
    played = source if isinstance(source, Played) else None
    if budget is not None:
        budget.played = played is not None

    def tell() -> None:
        tick(label, *((done, source.batches or 0) if played is None else played.so_far))

    def leave_off() -> bool:
        tell()
        if budget is None or not budget.over:
            return False
        budget.stopped = True
        return True

    with (
        random_state.apart(settings.device),
        evaluation_mode(task.modules, average),
        leaving_off(source, leave_off, None if budget is None else budget.aim_s),
    ):
        for number, batch in enumerate(drawn(source, settings)):
            taken = batch if budget is None else budget.take(batch)
            if taken is not None:
                try:
                    with autocast(settings):
                        outputs = look(taken)
                    with look.mode():
                        meter.update(outputs, taken.index)
                except Exception as trouble:
                    note_batch(trouble, taken, source)
                    raise
            done = number + 1
            tell()
            if budget is not None and rewinds(source) and budget.stops(last=_last(source, number)):
                source.load_state_dict(begins)  # the next evaluation begins at the beginning again
                break
    if budget is not None:
        budget.ended(played)
    return meter


def _last(source: Source, number: int) -> bool:
    """Whether no batch follows this one. number: of it, from 0"""
    if isinstance(source, Played):  # whose batches are of as many rows as there is time for
        return source.so_far[0] == source.so_far[1]
    return number + 1 == source.batches
