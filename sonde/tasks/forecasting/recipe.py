"""Defaults for series, each with its reason. Measured on ETTh1 (`benchmarks/forecasting.py`), chosen by validation alone."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings

FEW = 1_000  # training windows: below, an epoch is only a few updates
MANY = 5_000  # windows; of 2,400 (minimum temperatures) nlinear, dlinear, patchtst leave 0.443, 0.450, 0.452 of validation error
UPDATES = 600  # of a linear forecaster where windows are few
LINEAR = {
    "dlinear": "ETTh1: 5e-4 and 2e-3 give 0.648 and 0.651 validation error",
    "nlinear": "ETTh1: 1e-3 and 5e-3 give 0.664 and 0.668 validation error",
}
DEEP_EPOCHS = {
    "nhits": (3, "ETTh1: lowest validation error after epoch 3 of 6"),
    "nbeats": (2, "ETTh1: lowest validation error after epoch 2 of 6"),
}
SLOW_EPOCHS = (10, "ETTh1: validation error was still falling in shorter runs")


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    windows = len(dataset.splits["train"])
    if windows < MANY:
        return "nlinear", f"only {windows:,} windows: a single linear layer is hard to overfit"
    return "dlinear", "lowest validation error on ETTh1, in a twentieth of the time of patchtst"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any forecaster."""
    windows = len(dataset.splits["train"])
    chosen: Settings = {
        "optimizer": ("adamw", "Adam as in the papers, with decoupled weight decay"),
        "schedule": ("cosine", "small steps in the last epochs"),
        "warmup": (0.1, "ramps the learning rate up before the cosine decay"),
    }
    chosen |= _linear(model) if model in LINEAR else _deep(model)
    if windows < FEW:
        batch = min(32, windows)
        chosen["batch_size"] = (batch, "few windows: small batches give enough updates")
        epochs = max(10, round(UPDATES * batch / windows))
        chosen["epochs"] = (epochs, f"about {UPDATES} updates")
        chosen["evaluate_every"] = (max(1.0, epochs // 20), "an epoch is only a few updates")
        if model in LINEAR:
            chosen["lr"] = (
                5e-3,
                "airline passengers: 1e-3, 2e-3 and 5e-3 give 0.141, 0.079 and 0.057 validation error",
            )
    return chosen


def _linear(model: str) -> Settings:
    return {
        "batch_size": (32, "as in the paper"),
        "lr": (5e-4 if model == "dlinear" else 1e-3, LINEAR[model]),
        "epochs": (6, "ETTh1: lowest validation error after epochs 4 to 6"),
    }


def _deep(model: str) -> Settings:
    return {
        "batch_size": (128, "as in the PatchTST paper"),
        "lr": (1e-3, "ten times the learning rate of the PatchTST paper, for a tenth of its epochs"),
        "epochs": DEEP_EPOCHS.get(model, SLOW_EPOCHS),
        "clip": (1.0, "limits the update of a window with outliers"),
    }
