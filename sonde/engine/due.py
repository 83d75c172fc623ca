"""When things happen in a run: what falls due at a step, and whether the run ends there."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from sonde.core.durations import Duration
from sonde.core.pace import making
from sonde.engine.deadline import Deadline
from sonde.engine.early_stop import Target, patience_over, target_reached
from sonde.engine.training import Progress, Training

FIRST_S = 2.0  # for the first update, whose batch is made, whatever the time limit leaves


@dataclass(frozen=True, kw_only=True)
class FitSettings:
    """When things happen in a run."""

    stop: int | None  # step to end at, unless a time limit moves it (`Progress.ends_at`); None where passes alone say
    ends: Mapping[str, int] = field(
        default_factory=dict
    )  # length that was requested ("epochs", "steps") -> its last step
    passes: int | None = None  # epochs to train for, of a source whose length is known only at its end
    evaluate_every: Duration = Duration(1, "epochs")
    log_every: int = 10  # steps
    checkpoint_every: Duration = Duration(60, "seconds")
    patience: Duration | None = None
    target: Target | None = None  # value of the validation metric at which to end
    deadline: Deadline | None = None  # of the training under a time limit, whatever the schedule


def known_end(settings: FitSettings, progress: Progress) -> int | None:
    """The step at which the first of the lengths that were given ends the run, a time limit left out; None: not yet known."""
    ends = [*settings.ends.values()]
    if settings.passes is not None and progress.pass_steps:
        ends.append(settings.passes * progress.pass_steps)
    return min(ends, default=None)


def falls_due(period: Duration, training: Training, *, since_s: float) -> bool:
    """Whether a period ends at this step. since_s: seconds of the clock when it was last counted from"""
    progress, batches = training.progress, training.source.batches
    if period.unit == "steps":
        return progress.step % int(period.amount) == 0
    if period.unit == "seconds":
        return training.clock.elapsed() - since_s >= period.amount
    if batches is None:
        return progress.pass_end == progress.step and progress.passes % max(1, round(period.amount)) == 0
    steps = period.amount * batches
    # due at the step nearest to each multiple of the period
    return round(round(progress.step / steps) * steps) == progress.step and progress.step >= round(steps)


def at_epoch_end(training: Training) -> bool:
    """Whether the last step was an epoch's last."""
    progress, batches = training.progress, training.source.batches
    return progress.step % batches == 0 if batches else progress.pass_end == progress.step


def reason_to_stop(training: Training, settings: FitSettings, *, step_s: float = 0.0) -> tuple[str, str]:
    """(why the run ends here, the setting that says so); empty where it goes on.

    step_s: seconds of the last step: another as long must still fit into a time limit; where its batch is to be made, with that
    """
    progress, elapsed = training.progress, training.clock.elapsed()
    for name, last in settings.ends.items():
        if progress.step >= last:
            return "finished", name
    if settings.passes is not None and progress.passes >= settings.passes:
        return "finished", "epochs"
    end = progress.ends_at or settings.stop
    if end is not None and progress.step >= end:
        return "finished", "steps" if settings.deadline is None else "time_limit"
    if (judged := judged_over(training, settings))[0]:
        return judged
    deadline = settings.deadline if progress.step else None
    if deadline is not None and elapsed + step_s + _making_s(training) >= deadline.training_s:
        return "time limit", "time_limit"
    return progress.asked, ""


def judged_over(training: Training, settings: FitSettings) -> tuple[str, str]:
    """The same of what the last evaluation showed: that the run is good enough, or no longer gets better."""
    progress = training.progress
    if target_reached(settings.target, progress):
        return "reached", "stop_at"
    if patience_over(settings.patience, progress, batches=training.source.batches, elapsed=training.clock.elapsed()):
        return "stopped early", "patience"
    return "", ""


def _making_s(training: Training) -> float:
    """Seconds that the next batch is expected to take to be made, of a source that makes them."""
    source = making(training.source)
    return 0.0 if source is None else source.pace().seconds(1)


def time_over(training: Training, settings: FitSettings, begun_s: float) -> bool:
    """Whether the time of the training is over, and where no update is made yet that of the run, or a little more.

    begun_s: of the clock, when the training began
    """
    if settings.deadline is None:
        return False
    if training.progress.step:
        return training.clock.elapsed() >= settings.deadline.training_s
    return training.clock.elapsed() >= max(settings.deadline.first_s, begun_s + FIRST_S)


def checkpoint_due(training: Training, settings: FitSettings, saved: float) -> bool:
    """Whether to save a checkpoint after this step. saved: second of `time.perf_counter` at which that was done last"""
    progress, period = training.progress, settings.checkpoint_every
    if progress.saved_at == progress.step or progress.step == 0:
        return False
    if progress.save_asked:
        return True
    if period.unit != "seconds":
        return falls_due(period, training, since_s=0.0)
    since = time.perf_counter() - saved
    return since >= period.amount or (since >= period.amount / 20 and at_epoch_end(training))
