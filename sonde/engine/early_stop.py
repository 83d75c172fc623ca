"""When a run ends before its length: where it no longer gets better, and where it is good enough."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sonde.core.durations import Duration
from sonde.core.seams import Objective
from sonde.engine.training import Progress


def is_kept(objective: Objective, value: float, best: Mapping[str, Any] | None) -> bool:
    """Whether the weights of an evaluation are kept as the best: they are better, or as good and the objective's latest."""
    before = objective.best_value(best)
    return objective.better(value, before) or (objective.latest and value == before)


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
    steps = progress.step - _improved_at(progress)
    match patience.unit:
        case "steps":
            since: float = steps
        case "seconds":
            since = elapsed - progress.best_s
        case _:
            since = progress.passes - progress.best_passes if batches is None else steps / batches
    return since >= patience.amount


def _improved_at(progress: Progress) -> int:
    """The step of the last evaluation that was better than all before; weights as good may have been kept since."""
    if progress.improved_at is not None:
        return progress.improved_at
    return progress.best["step"] if progress.best else 0  # of a checkpoint of an earlier version
