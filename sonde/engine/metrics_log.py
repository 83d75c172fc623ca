"""Lines of `metrics.jsonl` about steps."""

from collections.abc import Mapping

from torch import Tensor

from sonde.core.records import StepRecord
from sonde.engine.training import Training


def log_step(training: Training, record: StepRecord) -> None:
    """One line of `metrics.jsonl`: the mean loss since the line before.

    Where several phases are at work, also the latest loss of each, and its rate: one may not run on every step.
    """
    progress = training.progress
    if not training.journals or not progress.window:
        progress.window, progress.latest = [], {}
        return
    training.stepper.guard.settle()
    values = [float(value) for value in progress.window]
    losses = {**progress.latest, **record.losses}
    progress.window, progress.latest = [], {}
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
            **training.used_memory(),
            **{name: float(value) for name, value in losses.items() if not name.endswith("/loss")},
            **_other_losses(losses),
            **getattr(training.source, "figures", {}),
            **_seconds(training),
            **_rates(training),
        }
    )


def _other_losses(losses: Mapping[str, Tensor]) -> dict[str, float]:
    named = [name for name in losses if name.endswith("/loss")]
    return {name: float(losses[name]) for name in named} if len(named) > 1 else {}


def _seconds(training: Training) -> dict[str, float]:
    """Where time went so far, of a source that tells it apart, as what acts does: of each part of "input", and of learning."""
    inside, spent = training.clock.inside(), training.clock.spent
    if not inside:
        return {}
    parts = {**inside, "learning": spent["step"] + spent["optimizer"]}
    return {f"{part}_seconds": round(value, 4) for part, value in parts.items()}


def _rates(training: Training) -> dict[str, float]:
    stepper = training.stepper
    return {f"{name}/lr": rate for name, rate in stepper.rates().items()} if stepper.several else {}
