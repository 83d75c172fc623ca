"""The loop. `steps` is an iterator: the caller owns the `for`. `fit` is that `for`, written once for those who want the usual."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from sonde.core.batch import Batch
from sonde.core.errors import DataError, Interrupted, TimeOver
from sonde.core.look import Look
from sonde.core.pace import LeftOff, leaving_off, making
from sonde.core.records import EPOCH_ENDS, STAGE_BEGINS, EvaluationRecord, EventRecord, Record, StepRecord
from sonde.core.seams import Objective, Source, extras_of
from sonde.core.units import duration
from sonde.engine import observing
from sonde.engine.checkpoint import Writer
from sonde.engine.deadline import longer
from sonde.engine.due import (
    FitSettings,
    at_epoch_end,
    checkpoint_due,
    falls_due,
    judged_over,
    reason_to_stop,
    time_over,
)
from sonde.engine.early_stop import is_kept
from sonde.engine.execution.settings import StepSettings, drawn
from sonde.engine.met import note_batch
from sonde.engine.metrics_log import log_step
from sonde.engine.signals import EvaluationStopped, StopRequest
from sonde.engine.step import Stepper
from sonde.engine.thread_tuner import ThreadTuner
from sonde.engine.time_budget import TimeBudget
from sonde.engine.training import Training, capture, weights

SURELY = (
    2  # times as long as a first batch is expected to take, that a longer limit is named for: a few moves tell little
)
AS_EVER = nullcontext()


def steps(
    stepper: Stepper,
    source: Source,
    *,
    start: int = 0,
    stop: int,
    on_batch: Callable[[Batch], None] | None = None,
) -> Iterator[StepRecord]:
    """Yield a record after each of the steps start + 1 … stop; the weights are updated when it is yielded.

    on_batch: called with each batch before its step
    Raises: DataError when the source yields no batch; NonFiniteStep, on a GPU up to a hundred steps late
    """
    stepper.training_mode()
    endless = batches_of(source, stepper.settings)
    for number in range(start + 1, stop + 1):
        batch = next(endless)
        if on_batch is not None:
            on_batch(batch)
        try:
            record = stepper(batch, step=number, epoch=epoch_of(source, number))
        except Exception as trouble:
            note_batch(trouble, batch, source)
            raise
        yield record
    stepper.guard.settle()


def batches_of(source: Source, settings: StepSettings) -> Iterator[Batch]:
    """Batches without end, from the source's position on, as `drawn`. Raises: DataError when an epoch yields nothing."""
    empty = 0
    while empty < 2:  # a source restored at an epoch's end yields nothing once
        empty += 1
        for batch in drawn(source, settings):
            empty = 0
            yield batch
    raise DataError("the training data yielded no batch")


def epoch_of(source: Source, step: int) -> int:
    """0-based epoch of step number `step` (1-based): counted where the epochs' length is known, else the source's word."""
    return (step - 1) // source.batches if source.batches else source.epoch


@dataclass(frozen=True, kw_only=True)
class FitParts:
    """The callbacks of `fit`: evaluation, storage, and requests to stop."""

    objective: Objective | None  # None: nothing is validated; the best checkpoint is the last
    evaluate: (
        Callable[[], dict[str, float] | None] | None
    )  # the validation metrics, with the averaged weights where there are any; from it None where no row could be evaluated
    best_weights: Callable[[], Mapping[str, Any]]
    best_evaluation: Callable[[], Mapping[str, Any]] = dict  # what of it is kept beside them
    writer: Writer | None
    request: StopRequest
    thread_tuner: ThreadTuner | None = None
    budget: TimeBudget | None = None  # of a run under a time limit
    length_known: Callable[[Training], None] | None = (
        None  # called when the first pass of a source without a length is over
    )
    look: Look | None = None


def fit(training: Training, settings: FitSettings, parts: FitParts) -> Training:
    """Train to `settings.stop`, or until patience, the time limit or a signal ends it; `training.progress.stop` says which.

    Raises: Interrupted after saving, when a stop was requested; TimeOver, too, where not one step was made in time;
            NonFiniteStep; RunFolderError when a checkpoint cannot be written
    """
    begun_s = training.clock.elapsed()
    with leaving_off(training.source, lambda: bool(parts.request) or time_over(training, settings, begun_s)):
        progress, clock, stepper = training.progress, training.clock, training.stepper
        stepper.training_mode()
        saved, step_s = time.perf_counter(), 0.0
        look = parts.look
        passes = _Passes(training.source, stepper.settings)
        record: StepRecord | None = None
        while True:
            better = _decide(training, settings, parts, step_s)
            if progress.stop and settings.stop is None and record is not None:
                log_step(training, record)  # no step was known to be the last
            if progress.stop or better or parts.request or checkpoint_due(training, settings, saved):
                save(training, parts, best=better)
                saved = time.perf_counter()
            if progress.stop:
                return training
            if parts.request:
                _leave(training, parts)
            begun = time.perf_counter()
            batch = passes.next()
            clock.spent["input"] += time.perf_counter() - begun
            if batch is None:
                _left_off(training, parts, passes.far) if passes.far else _pass_ended(training, parts)
                continue
            number = progress.step + 1
            try:
                with AS_EVER if look is None or number < look.next else look.looking():
                    record = stepper(batch, step=number, epoch=epoch_of(training.source, number))
            except Exception as trouble:
                note_batch(trouble, batch, training.source)
                raise
            _count(training, settings, record)
            step_s = time.perf_counter() - begun - passes.made_s
            if parts.thread_tuner is not None:
                parts.thread_tuner(training, batch)
            if parts.budget is not None:
                parts.budget(training)


class _Passes:
    """The batches of a source, and None at the end of each pass over it, or where it has left off.

    far: how far it then was;  made_s: seconds in which it made the last, of a source that makes its batches
    """

    def __init__(self, source: Source, settings: StepSettings) -> None:
        self._settings = settings
        self._source, self._makes = source, making(source) is not None
        self._coming: Iterator[Batch] | None = None
        self._empty = 0
        self.far, self.made_s = "", 0.0

    def next(self) -> Batch | None:
        """Raises: DataError when two passes yield nothing; a source restored at a pass's end does so once."""
        if self._coming is None:
            self._coming, self.far = drawn(self._source, self._settings), ""
        batch = self._made(self._coming) if self._makes else next(self._coming, None)
        if batch is not None:
            self._empty = 0
            return batch
        self._coming = None
        if self.far:
            return None
        self._empty += 1
        if self._empty == 2:
            raise DataError("the training data yielded no batch")
        return None

    def _made(self, coming: Iterator[Batch]) -> Batch | None:
        begun = time.perf_counter()
        try:
            return next(coming, None)
        except LeftOff as told:
            self.far = str(told)
            return None
        finally:
            self.made_s = time.perf_counter() - begun


def _left_off(training: Training, parts: FitParts, far: str) -> None:
    """The source has left off in the middle of a batch: the loop ends before it, where there is a step to end with.

    Raises: TimeOver after saving, where there is none and no stop was requested
    """
    if not training.progress.step and not parts.request:
        save(training, parts)
        if parts.writer is not None:
            parts.writer.wait()
        told = f"the time limit was over before the first update: {far}; all of it is kept"
        source = making(training.source)
        first_s = 0.0 if source is None else source.pace().seconds(1)
        more = (
            f" (by what was played so far the first batch takes about {duration(first_s)} more)" if first_s >= 1 else ""
        )
        limit = longer(training.clock.elapsed(), SURELY * first_s)
        raise TimeOver(f"{told}: resume the run with a longer --time-limit, such as {limit}{more}")


def _decide(training: Training, settings: FitSettings, parts: FitParts, step_s: float) -> bool:
    """Evaluate where that is due, and leave in the progress whether the run ends; whether the evaluation is the best so far."""
    progress = training.progress
    reason = reason_to_stop(training, settings, step_s=step_s)
    better = _evaluation_due(training, settings, parts, ending=reason[0]) and _evaluate(training, settings, parts)
    if reason[1] == "time_limit" and _goes_on(training, settings, parts):
        reason = "", ""
    _tell_epoch_over(training)
    # checked again only after an evaluation, or where an observer asked since: a limit that passes between the two would end
    # the run without one
    if not reason[0] and (progress.evaluated_at == progress.step or progress.asked):
        reason = reason_to_stop(training, settings, step_s=step_s)
        if _evaluation_due(training, settings, parts, ending=reason[0]):
            better = _evaluate(training, settings, parts)
    progress.stop, progress.ended_by = reason
    return better


def _goes_on(training: Training, settings: FitSettings, parts: FitParts) -> bool:
    """Whether a run whose time was over has some left, now that it is evaluated and nothing else ends it."""
    progress = training.progress
    if parts.budget is None or progress.evaluated_at != progress.step or progress.asked:
        return False
    return not judged_over(training, settings)[0] and parts.budget.goes_on(training)


def _count(training: Training, settings: FitSettings, record: StepRecord) -> None:
    """Put a step that was taken into the progress and the log, and notify the observers."""
    progress, main = training.progress, training.stepper.main
    progress.step = record.step
    progress.rows += record.rows
    if main in record.losses:
        progress.window.append(record.losses[main])
        if record.step == 1:
            progress.first_loss = record.losses[main]
    if training.stepper.several:
        progress.latest |= record.losses
    if record.step % settings.log_every == 0 or record.step == (progress.ends_at or settings.stop):
        log_step(training, record)
    notify(training, record)
    if (stage := training.stepper.stages.begins(record.step)) is not None:
        event(training, STAGE_BEGINS, {"stage": stage.name})


def _tell_epoch_over(training: Training) -> None:
    """Notify the observers of an epoch that is over, once; evaluations that fall due then come before."""
    progress, batches = training.progress, training.source.batches
    if progress.epoch_ended_at == progress.step or not progress.step or not at_epoch_end(training):
        return
    progress.epoch_ended_at = progress.step
    epoch = (progress.step // batches if batches else progress.passes) - 1
    notify(training, EventRecord(progress.step, EPOCH_ENDS, {"epoch": epoch}))


def _pass_ended(training: Training, parts: FitParts) -> None:
    progress = training.progress
    progress.passes += 1
    progress.pass_end = progress.step
    if training.source.batches is None and progress.pass_steps == 0 and progress.step:
        progress.pass_steps = progress.step
        if parts.length_known is not None:
            parts.length_known(training)


def _evaluation_due(training: Training, settings: FitSettings, parts: FitParts, *, ending: str) -> bool:
    progress = training.progress
    if parts.evaluate is None or progress.step == 0 or progress.evaluated_at == progress.step:
        return False
    if ending or falls_due(settings.evaluate_every, training, since_s=progress.evaluated_s):
        return True
    return settings.deadline is not None and settings.deadline.looks(training.clock.elapsed())


def _evaluate(training: Training, settings: FitSettings, parts: FitParts) -> bool:
    """Evaluate on the validation rows; whether this is the best so far."""
    assert parts.evaluate is not None
    progress = training.progress
    training.stepper.guard.settle()
    begun = time.perf_counter()
    with training.clock.part("evaluation"):
        try:
            metrics = parts.evaluate()
        except (EvaluationStopped, DataError) as trouble:
            _keep(training, parts, trouble)
            raise
    progress.evaluated_at = progress.step
    if metrics is None:
        return False
    progress.metrics = {name: float(value) for name, value in metrics.items()}
    if settings.evaluate_every.unit == "seconds":
        progress.evaluated_s = training.clock.elapsed()
    epoch = epoch_of(training.source, progress.step)
    if training.source.batches is None and progress.pass_end == progress.step:
        epoch = progress.passes - 1  # that of the pass which is over; the source stands before the next
    record = EvaluationRecord(progress.step, epoch, "validation", metrics, time.perf_counter() - begun)
    part = {"part": dict(training.part)} if training.part else {}
    training.journals["metrics.jsonl"].write(
        {"kind": "evaluation", "step": record.step, "epoch": epoch, "split": record.split, **part}
        | {"seconds": round(record.seconds, 4), "elapsed": round(training.clock.elapsed(), 4), "metrics": dict(metrics)}
    ) if training.journals else None
    notify(training, record)
    if parts.objective is None:
        return False
    value = parts.objective.value(metrics)
    training.stepper.evaluated(value)
    improved = parts.objective.better(value, parts.objective.best_value(progress.best))
    kept = is_kept(parts.objective, value, progress.best)
    if kept:
        progress.best = {"epoch": epoch, "step": progress.step, "metric": parts.objective.metric, "value": value}
    if improved:
        progress.since_best, progress.improved_at = 0, progress.step
        progress.best_passes = progress.passes
        if settings.patience is not None and settings.patience.unit == "seconds":
            progress.best_s = training.clock.elapsed()
    else:
        progress.since_best += 1
    return kept


def _keep(training: Training, parts: FitParts, trouble: EvaluationStopped | DataError) -> None:
    """Save what an evaluation leaves as it was. Raises: Interrupted, where it was stopped"""
    save(training, parts, best=False)
    if isinstance(trouble, EvaluationStopped):
        _leave(training, parts)
    elif parts.writer is not None:
        trouble.kept = training.progress.step


def save(training: Training, parts: FitParts, *, best: bool = False) -> None:
    """Hand a checkpoint to the writer. Raises: NonFiniteStep or RunFolderError for what went wrong before."""
    if parts.writer is None:
        return
    training.stepper.guard.settle()
    with training.clock.part("checkpoint"):
        training.progress.saved_at, training.progress.save_asked = training.progress.step, False
        chosen = (parts.best_weights(), best_state(training) | dict(parts.best_evaluation())) if best else None
        parts.writer.save(weights(training.task.modules), capture(training), best=chosen)


def best_state(training: Training) -> dict[str, Any]:
    """What the best checkpoint holds besides weights: which it is, and what the task needs to predict."""
    return {"best": training.progress.best, "task": extras_of(training.task).state_dict()}


def _leave(training: Training, parts: FitParts) -> None:
    assert parts.request.number is not None
    if parts.writer is not None:
        parts.writer.wait()
    raise Interrupted(
        f"stopped at step {training.progress.step} as requested; everything is saved",
        signal_number=parts.request.number,
    )


def event(training: Training, name: str, details: Mapping[str, Any]) -> None:
    """Record something that is neither a step nor an evaluation."""
    record = EventRecord(training.progress.step, name, dict(details))
    if training.journals:
        training.journals["metrics.jsonl"].write(
            {"kind": "event", "step": record.step, "event": name, "details": dict(details)}
        )
    notify(training, record)


def notify(training: Training, record: Record) -> None:
    """Call the observers with a record, and leave what they ask for in the progress."""
    for observer in training.observers:
        verdict = observer(record)
        if verdict == "stop":
            training.progress.asked = training.progress.asked or f"{observing.name_of(observer)} asked to stop"
        elif verdict == "save":
            training.progress.save_asked = True
