"""An evaluation of the validation rows while training goes on."""

from contextlib import nullcontext

from sonde.core.seams import abilities_of
from sonde.diagnose.doctor import Doctor
from sonde.engine.early_stop import is_kept
from sonde.engine.evaluate import evaluate
from sonde.engine.signals import StopRequest, stopping
from sonde.engine.training import Training
from sonde.run.errors import scores_of
from sonde.run.job import Attempt
from sonde.run.telling import tell


def validate(
    attempt: Attempt, training: Training, request: StopRequest, doctor: Doctor | None
) -> dict[str, float] | None:
    """Scores on the validation rows; the meter of the best is kept, since they need no second look at the end.

    Returns: None, with a finding, where the time limit left no time for a single row
    """
    assembly, step = attempt.assembly, training.progress.step
    source, settings = assembly.evaluation_sources["validation"], training.stepper.settings
    budget = None if attempt.limit is None else attempt.limit.while_training()
    if attempt.limit is not None and budget is not None and budget.nothing:  # which is known
        tell(attempt, attempt.limit.cut_short({"validation": budget}, step=step))
        return None
    tick = stopping(request)
    with nullcontext() if doctor is None else doctor.evaluating():
        meter = evaluate(
            assembly.task, source, settings, average=assembly.average, tick=tick, brief=True, budget=budget
        )
    if attempt.limit is not None and budget is not None:
        attempt.limit.measured(budget, step=step)
        training.progress.evaluation_ratio = attempt.limit.deadline.ratio
    cut = [] if attempt.limit is None or budget is None else attempt.limit.cut_short({"validation": budget}, step=step)
    if budget is not None and budget.nothing:
        tell(attempt, cut)
        return None
    partly = budget is not None and not budget.whole
    training.part = (
        {"rows": budget.evaluated, "of": budget.rows or budget.seen} if budget is not None and partly else {}
    )
    able = abilities_of(assembly.task)
    if able.tune_threshold is not None:
        able.tune_threshold(meter)
    scores = scores_of(meter, source, "validation", step=step)
    objective, best = assembly.objective, training.progress.best
    better = objective is None or is_kept(objective, objective.value(scores), best)
    if better and able.quick_evaluate is None:
        attempt.best_meter, attempt.best_budget, attempt.best_step = meter, budget, step
        attempt.best_taken = getattr(source, "taken", {})
    if budget is not None and budget.played and not (better and able.quick_evaluate is None and objective is not None):
        tell(attempt, cut)  # of the best, the end tells
        budget.told = True
    return scores
