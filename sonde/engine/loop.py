"""The loop. `steps` is an iterator: the caller owns the `for`. `fit` is that `for`, written once for those who want the usual."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sonde.core.batch import Batch
from sonde.core.errors import DataError, Interrupted
from sonde.core.records import EvaluationRecord, EventRecord, Record, StepRecord
from sonde.core.seams import Objective, Source
from sonde.engine.checkpoint import Writer
from sonde.engine.signals import StopRequest
from sonde.engine.step import Stepper
from sonde.engine.thread_tuner import ThreadTuner
from sonde.engine.time_budget import Horizon
from sonde.engine.training import Training, capture, weights


def steps(stepper: Stepper, source: Source, *, start: int = 0, stop: int) -> Iterator[StepRecord]:
    """Yield a record after each of the steps start + 1 … stop; the weights are updated when it is yielded.

    Raises: DataError when the source yields no batch; NonFiniteStep, on a GPU up to a hundred steps late
    """
    stepper.task.modules.train()
    endless = batches_of(source)
    for number in range(start + 1, stop + 1):
        batch = next(endless)
        yield stepper(batch, step=number, epoch=epoch_of(source, number))
    stepper.guard.settle()


def batches_of(source: Source) -> Iterator[Batch]:
    """Batches without end, from the source's position on. Raises: DataError when an epoch yields nothing."""
    empty = 0
    while empty < 2:  # a source restored at an epoch's end yields nothing once
        empty += 1
        for batch in source:
            empty = 0
            yield batch
    raise DataError("the training data yield no batch")


def epoch_of(source: Source, step: int) -> int:
    """0-based epoch of step number `step` (1-based): counted where the epochs' length is known, else the source's word."""
    return (step - 1) // source.batches if source.batches else source.epoch


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """When things happen in a run."""

    stop: int  # step to end at, unless a time limit moves it (`Progress.ends_at`)
    evaluate_every: float = 1.0  # epochs
    log_every: int = 10  # steps
    checkpoint_s: float = 60.0
    checkpoint_steps: int = 0
    patience: int = 0
    limit_s: float | None = None  # hard end, whatever the schedule


@dataclass(frozen=True, kw_only=True)
class FitParts:
    """What `fit` calls on: evaluation, storage, and who asked to stop."""

    objective: Objective | None  # None: nothing is validated; the best checkpoint is the last
    evaluate: (
        Callable[[], dict[str, float]] | None
    )  # the validation metrics, with the averaged weights where there are any
    best_weights: Callable[[], Mapping[str, Any]]
    writer: Writer | None
    request: StopRequest
    thread_tuner: ThreadTuner | None = None
    horizon: Horizon | None = None  # of a run under a time limit


def fit(training: Training, settings: FitSettings, parts: FitParts) -> Training:
    """Train to `settings.stop`, or until patience, the time limit or a signal ends it; `training.progress.stop` says which.

    Raises: Interrupted after saving, when asked to stop; NonFiniteStep; RunFolderError when a checkpoint cannot be written
    """
    progress, clock, stepper = training.progress, training.clock, training.stepper
    training.task.modules.train()
    saved = time.perf_counter()
    source = batches_of(training.source)
    while True:
        ending = _reason_to_stop(training, settings)
        better = _evaluation_due(training, settings, parts, ending=ending) and _evaluate(training, parts)
        # asked again only after a judgement: a limit that passes between the two would end the run without one
        judged = progress.evaluated_at == progress.step
        progress.stop = ending or (_reason_to_stop(training, settings) if judged else "")
        if progress.stop or better or parts.request or _checkpoint_due(training, settings, saved):
            save(training, parts, best=better)
            saved = time.perf_counter()
        if progress.stop:
            return training
        if parts.request:
            _leave(training, parts)
        begun = time.perf_counter()
        batch = next(source)
        clock.spent["input"] += time.perf_counter() - begun
        number = progress.step + 1
        record = stepper(batch, step=number, epoch=epoch_of(training.source, number))
        progress.step = number
        progress.rows += record.rows
        if stepper.main in record.losses:
            progress.window.append(record.losses[stepper.main])
        if number % settings.log_every == 0 or number == (progress.ends_at or settings.stop):
            _log(training, record)
        _tell(training, record)
        if parts.thread_tuner is not None:
            parts.thread_tuner(training, batch)
        if parts.horizon is not None:
            parts.horizon(training)


def _evaluation_due(training: Training, settings: FitSettings, parts: FitParts, *, ending: str) -> bool:
    progress, batches = training.progress, training.source.batches
    if parts.evaluate is None or progress.step == 0 or progress.evaluated_at == progress.step:
        return False
    if ending:
        return True
    if batches is None:
        return False
    period = settings.evaluate_every * batches
    # due at the step nearest to each multiple of the period
    return round(round(progress.step / period) * period) == progress.step and progress.step >= round(period)


def _evaluate(training: Training, parts: FitParts) -> bool:
    """Judge on the validation rows; whether this is the best so far."""
    assert parts.evaluate is not None
    progress = training.progress
    training.stepper.guard.settle()
    begun = time.perf_counter()
    with training.clock.part("evaluation"):
        metrics = parts.evaluate()
    progress.evaluated_at = progress.step
    epoch = epoch_of(training.source, progress.step)
    record = EvaluationRecord(progress.step, epoch, "validation", metrics, time.perf_counter() - begun)
    training.journals["metrics.jsonl"].write(
        {"kind": "evaluation", "step": record.step, "epoch": epoch, "split": record.split}
        | {"seconds": round(record.seconds, 4), "metrics": dict(metrics)}
    ) if training.journals else None
    _tell(training, record)
    if parts.objective is None:
        return False
    value = metrics[parts.objective.metric]
    if parts.objective.better(value, progress.best["value"] if progress.best else None):
        progress.best = {"epoch": epoch, "step": progress.step, "metric": parts.objective.metric, "value": value}
        progress.since_best = 0
        return True
    progress.since_best += 1
    return False


def _reason_to_stop(training: Training, settings: FitSettings) -> str:
    progress = training.progress
    if progress.step >= (progress.ends_at or settings.stop):
        return "finished"
    if settings.patience and progress.since_best >= settings.patience:
        return "stopped early"
    if settings.limit_s is not None and progress.step and training.clock.elapsed() >= settings.limit_s:
        return "time limit"
    return progress.asked


def _checkpoint_due(training: Training, settings: FitSettings, saved: float) -> bool:
    progress, batches = training.progress, training.source.batches
    if progress.saved_at == progress.step or progress.step == 0:
        return False
    if settings.checkpoint_steps and progress.step % settings.checkpoint_steps == 0:
        return True
    if progress.save_asked:
        progress.save_asked = False
        return True
    since = time.perf_counter() - saved
    at_epoch_end = batches is not None and progress.step % batches == 0
    return since >= settings.checkpoint_s or (at_epoch_end and since >= settings.checkpoint_s / 20)


def save(training: Training, parts: FitParts, *, best: bool = False) -> None:
    """Hand a checkpoint to the writer. Raises: NonFiniteStep or RunFolderError for what went wrong before."""
    if parts.writer is None:
        return
    training.stepper.guard.settle()
    with training.clock.part("checkpoint"):
        training.progress.saved_at = training.progress.step
        chosen = (parts.best_weights(), best_state(training)) if best else None
        parts.writer.save(weights(training.task.modules), capture(training), best=chosen)


def best_state(training: Training) -> dict[str, Any]:
    """What the best checkpoint holds besides weights: which it is, and what the task needs to predict."""
    return {"best": training.progress.best, "task": training.task.state_dict()}


def _leave(training: Training, parts: FitParts) -> None:
    assert parts.request.number is not None
    if parts.writer is not None:
        parts.writer.wait()
    raise Interrupted(
        f"stopped at step {training.progress.step} as asked; everything is saved", signal_number=parts.request.number
    )


def _log(training: Training, record: StepRecord) -> None:
    """One line of `metrics.jsonl`: the mean loss since the line before."""
    progress = training.progress
    if not training.journals or not progress.window:
        progress.window = []
        return
    training.stepper.guard.settle()
    values = [float(value) for value in progress.window]
    progress.window = []
    elapsed = training.clock.elapsed()
    norm = next(iter(record.norms.values()), None)
    training.journals["metrics.jsonl"].write(
        {
            "kind": "step",
            "step": record.step,
            "epoch": record.epoch,
            "loss": sum(values) / len(values),
            "lr": record.lr,
            "norm": None if norm is None else float(norm),
            "seconds": round(elapsed, 4),
            "rows": progress.rows,
            **{name: float(value) for name, value in record.losses.items() if not name.endswith("/loss")},
            **_other_losses(record),
        }
    )


def _other_losses(record: StepRecord) -> dict[str, float]:
    named = [name for name in record.losses if name.endswith("/loss")]
    return {name: float(record.losses[name]) for name in named} if len(named) > 1 else {}


def event(training: Training, name: str, details: Mapping[str, Any]) -> None:
    """Record something that is neither a step nor an evaluation."""
    record = EventRecord(training.progress.step, name, dict(details))
    if training.journals:
        training.journals["metrics.jsonl"].write(
            {"kind": "event", "step": record.step, "event": name, "details": dict(details)}
        )
    _tell(training, record)


def _tell(training: Training, record: Record) -> None:
    for observer in training.observers:
        verdict = observer(record)
        if verdict == "stop":
            training.progress.asked = f"{type(observer).__name__} asked to stop"
        elif verdict == "save":
            training.progress.save_asked = True
