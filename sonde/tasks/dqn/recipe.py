"""Defaults for deep Q-learning, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings

UPDATES = 25_000
EVERY = 2
ENVIRONMENTS = 8


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "policy-mlp", "layers for rows of numbers"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for an environment."""
    why = "usual for small networks that act (Raffin 2020, RL Baselines3 Zoo)"
    return {
        "environments": (ENVIRONMENTS, "the network answers all of them at once"),
        "train_every": (EVERY, "as in RL Baselines3 Zoo for CartPole, MountainCar and Acrobot"),
        "return_steps": (3, "rewards reach back sooner (Hessel et al. 2018, section 3)"),
        "optimizer": ("adamw", "Adam without decay, as usual for Q-learning"),
        "lr": (1e-3, why),
        "weight_decay": (0.0, "values have the scale of the rewards"),
        "schedule": ("linear", "values come to rest at the end, and the policy with them"),
        "clip": (10.0, "usual for Q-learning"),
        "batch_size": (64, why),
        "hidden": ((128, 128), why),
        "activation": ("relu", why),
        "steps": (UPDATES, f"{UPDATES * EVERY:,} steps of the environments, with 1,000 before"),
        "evaluate_every": (f"{UPDATES // 20} steps", "20 evaluations"),
    }
