"""Defaults for forecasting by diffusion, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings

UPDATES = 2_000
BATCH = 64
FEWEST, MOST = 5, 20  # epochs
FEW = 600  # updates, of which there are at least so many


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any forecaster with the network that makes its paths."""
    windows = len(dataset.splits["train"])
    batch = min(BATCH, windows)
    each = -(-windows // batch)
    epochs = max(min(MOST, max(FEWEST, UPDATES // each)), -(-FEW // each))
    usual = "usual for diffusion: Adam, a rate that falls to 0, averaged weights"
    return {
        "optimizer": ("adamw", usual),
        "lr": (1e-3, usual),
        "schedule": ("cosine", usual),
        "warmup": (0.1, "ramps the learning rate up before the cosine decay"),
        "clip": (1.0, "limits the update of a window with outliers, and of nearly pure noise"),
        "ema": (0.99, "paths of averaged weights are better"),
        "batch_size": (batch, "windows; each has several noises"),
        "epochs": (
            epochs,
            f"about {UPDATES:,} updates, from {FEWEST} to {MOST} epochs: minimum temperatures overfit in more",
        ),
        "evaluate_every": (max(1.0, epochs // 10), "paths are drawn for every evaluation"),
    }
