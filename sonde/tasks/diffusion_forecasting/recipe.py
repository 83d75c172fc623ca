"""Defaults for forecasting by diffusion, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, epochs_of_updates

UPDATES = 5_000
BATCH = 64


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any forecaster with the network that makes its paths."""
    windows = len(dataset.splits["train"])
    batch = min(BATCH, windows)
    why = "usual for diffusion: Adam, a rate that falls to 0, averaged weights"
    epochs = epochs_of_updates(UPDATES, rows=windows, batch=batch, fewest=5, most=200)
    return {
        "optimizer": ("adamw", why),
        "lr": (1e-3, why),
        "weight_decay": (0.01, why),
        "schedule": ("cosine", why),
        "warmup": (0.02, why),
        "clip": (1.0, "steps on nearly pure noise have large gradients"),
        "ema": (0.995, "paths of averaged weights are better"),
        "batch_size": (batch, "windows; each has several noises"),
        "epochs": epochs,
        "evaluate_every": (max(1.0, epochs[0] // 10), "paths are drawn for every evaluation"),
    }
