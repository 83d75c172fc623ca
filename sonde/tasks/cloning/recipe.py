"""Defaults for learning from logged transitions, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.policy_recipe import has_pixels, network
from sonde.tasks.settings import Settings

UPDATES = 3_000
BATCH = 256
PASSES = 5


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return network(dataset)


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a log."""
    rows = len(dataset.splits["train"])
    batch = min(BATCH, rows)
    updates = max(UPDATES, PASSES * rows // batch)
    of_rows: Settings = {} if has_pixels(dataset) else {"hidden": ((128, 128), "usual for small networks that act")}
    return {
        **of_rows,
        "optimizer": ("adamw", "Adam, with a little decay against learning a small log by heart"),
        "lr": (1e-3, "usual for small networks that act"),
        "weight_decay": (1e-2, "as the optimiser's paper (Loshchilov and Hutter 2019)"),
        "schedule": ("cosine", "the log stays as it is"),
        "clip": (1.0, "a Gaussian that is sure of itself has steep losses"),
        "batch_size": (batch, "a few thousand updates see a small log many times"),
        "steps": (updates, f"at least {UPDATES:,}, and {PASSES} passes over the log"),
        "evaluate_every": (f"{updates // 10} steps", "10 evaluations"),
    }
