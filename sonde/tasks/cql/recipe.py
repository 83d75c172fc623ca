"""Defaults for conservative Q-learning, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.cloning import recipe
from sonde.tasks.settings import Settings

UPDATES = 6_000


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a log."""
    found = dict(recipe.settings(dataset, model))
    updates = max(UPDATES, int(found["steps"][0]))
    return {
        **found,
        "optimizer": ("adamw", "Adam without decay, as usual for Q-learning"),
        "lr": (5e-4, "values are learned from values, and slower than actions"),
        "weight_decay": (0.0, "values have the scale of the rewards"),
        "clip": (10.0, "usual for Q-learning"),
        "activation": ("relu", "usual for Q-learning"),
        "steps": (updates, f"at least {UPDATES:,}: values take longer to learn than actions"),
        "evaluate_every": (f"{updates // 10} steps", "10 evaluations"),
    }
