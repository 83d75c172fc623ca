"""Defaults for deep Q-learning, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings

UPDATES = 50_000


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "policy-mlp", "layers for rows of numbers"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for an environment."""
    why = "usual for small networks that act (Raffin 2020, RL Baselines3 Zoo)"
    return {
        "optimizer": ("adamw", "Adam without decay, as usual for Q-learning"),
        "lr": (1e-3, why),
        "weight_decay": (0.0, "values have the scale of the rewards"),
        "schedule": ("constant", "experience goes on changing"),
        "clip": (10.0, "usual for Q-learning"),
        "batch_size": (64, why),
        "hidden": ((128, 128), why),
        "steps": (UPDATES, f"as many steps of the environment, with {1_000:,} before"),
        "evaluate_every": (f"{UPDATES // 20} steps", "20 evaluations"),
    }
