"""Defaults for advantage actor-critic, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings

ENVIRONMENT_STEPS = 500_000
ENVIRONMENTS, ROLLOUT = 16, 8
ADAM = (
    "Adam without decay: the first steps of RMSprop, which begins from no statistics, are ten times its rate, and an update uses "
    "a rollout of a policy that they may have thrown to an end"
)


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for an environment."""
    why = "usual for A2C (Mnih et al. 2016; Raffin 2020, RL Baselines3 Zoo)"
    updates = ENVIRONMENT_STEPS // (ENVIRONMENTS * ROLLOUT)
    return {
        "optimizer": ("adamw", ADAM),
        "lr": (1e-3, "usual for small networks that act"),
        "weight_decay": (0.0, why),
        "schedule": ("linear", why),
        "clip": (0.5, why),
        "environments": (ENVIRONMENTS, why),
        "steps": (updates, f"about {ENVIRONMENT_STEPS:,} steps of the environment"),
        "evaluate_every": (f"{updates // 20} steps", "20 evaluations"),
    }
