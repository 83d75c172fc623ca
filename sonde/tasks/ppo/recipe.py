"""Defaults for proximal policy optimisation, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings

ENVIRONMENT_STEPS = 500_000
ENVIRONMENTS, BATCH = 8, 256


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "policy-mlp", "layers for rows of numbers"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for an environment."""
    why = "usual for PPO (Huang et al. 2022, The 37 implementation details of proximal policy optimization)"
    updates = ENVIRONMENT_STEPS // (ENVIRONMENTS * 128) * (4 * ENVIRONMENTS * 128 // BATCH)
    return {
        "optimizer": ("adamw", "Adam without decay, " + why),
        "lr": (1e-3, "usual for small networks that act"),
        "weight_decay": (0.0, why),
        "schedule": ("linear", why),
        "clip": (0.5, why),
        "environments": (ENVIRONMENTS, why),
        "batch_size": (BATCH, "a quarter of a rollout of 8 environments and 128 steps"),
        "steps": (updates, f"about {ENVIRONMENT_STEPS:,} steps of the environment"),
        "evaluate_every": (f"{updates // 20} steps", "20 evaluations"),
    }
