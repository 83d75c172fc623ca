"""When a run ends before its length: where it no longer gets better, and where it is good enough."""

from typing import NamedTuple

from sonde.core.durations import Duration
from sonde.core.seams import Objective
from sonde.engine.training import Progress


class Target(NamedTuple):
    """A value of the metric that chooses the best checkpoint, at which a run may end."""

    objective: Objective
    value: float


def target_reached(target: Target | None, progress: Progress) -> bool:
    """Whether the evaluation of the last step reached it."""
    if target is None or progress.evaluated_at != progress.step:
        return False
    found = progress.metrics.get(target.objective.metric)
    if found is None or found != found:
        return False
    return found >= target.value if target.objective.mode == "max" else found <= target.value


def patience_over(patience: Duration | None, progress: Progress, *, batches: int | None, elapsed: float) -> bool:
    """Whether the best evaluation, or the run's beginning where there is none, lies too far back; checked at evaluations.

    batches: per epoch;  elapsed: seconds of the run
    """
    if patience is None:
        return False
    if patience.unit == "evaluations":
        return progress.since_best >= patience.amount
    if progress.evaluated_at != progress.step:
        return False
    steps = progress.step - (progress.best["step"] if progress.best else 0)
    match patience.unit:
        case "steps":
            since: float = steps
        case "seconds":
            since = elapsed - progress.best_s
        case _:
            since = progress.passes - progress.best_passes if batches is None else steps / batches
    return since >= patience.amount
