"""Defaults for REINFORCE, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings

UPDATES, ENVIRONMENTS = 400, 8


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for an environment."""
    return {
        "optimizer": ("adamw", "Adam without decay, as usual for small networks that act"),
        "lr": (3e-3, "few updates, each of whole episodes"),
        "weight_decay": (0.0, "as usual for small networks that act"),
        "schedule": ("linear", "later updates are of better policies"),
        "clip": (0.0, "Adam takes steps of one size, however long episodes are"),
        "environments": (ENVIRONMENTS, "episodes of an update"),
        "steps": (UPDATES, f"{UPDATES * ENVIRONMENTS:,} episodes"),
        "evaluate_every": (f"{UPDATES // 20} steps", "20 evaluations"),
    }
