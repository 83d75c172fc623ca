"""Lines of `metrics.jsonl` about steps."""

from sonde.core.records import StepRecord
from sonde.engine.training import Training


def log_step(training: Training, record: StepRecord) -> None:
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
