"""Defaults for deep Q-learning, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.policy_recipe import PIXEL_STEPS, PRECISION, SMALL_STEPS, has_pixels, has_small_pictures, network
from sonde.tasks.settings import Settings, bf16_where_fast

UPDATES = 25_000
EVERY = 2
TOGETHER = 16
OF_PIXELS = 8  # environments


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return network(dataset)


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for an environment."""
    if has_pixels(dataset):
        return {**_of_pixels(), **(_of_small_pictures() if has_small_pictures(dataset) else {})}
    why = "usual for small networks that act (Raffin 2020, RL Baselines3 Zoo)"
    return {
        "environments": (
            1,
            "episodes go further by one policy than in several environments; learning takes most of the time",
        ),
        "train_every": (EVERY, "as in RL Baselines3 Zoo for CartPole, MountainCar and Acrobot"),
        "updates_together": (
            TOGETHER,
            "the policy stays the same for a while, and what it leads to is seen; 8 to 128 there",
        ),
        "optimizer": ("adamw", "Adam without decay, as usual for Q-learning"),
        "lr": (2.3e-3, "as in RL Baselines3 Zoo for CartPole; it falls to 0"),
        "weight_decay": (0.0, "values have the scale of the rewards"),
        "schedule": ("linear", "values come to rest at the end, and the policy with them"),
        "clip": (10.0, "usual for Q-learning"),
        "batch_size": (64, why),
        "hidden": ((256, 256), why),
        "activation": ("relu", why),
        "steps": (UPDATES, f"{UPDATES * EVERY:,} steps of the environments, with 1,000 before"),
        "evaluate_every": (
            f"{UPDATES // 10} steps",
            "10 evaluations: the first that is good by luck is not taken for the best",
        ),
    }


def _of_pixels() -> Settings:
    why = "usual for Q-learning on Atari (Raffin 2020, RL Baselines3 Zoo)"
    warmup, every = 50_000, 4
    updates = (PIXEL_STEPS - warmup) // every
    return {
        **bf16_where_fast(PRECISION),
        "environments": (OF_PIXELS, "the network answers all of them at once"),
        "train_every": (every, "Mnih et al. 2015, extended data table 1"),
        "warmup_steps": (warmup, "Mnih et al. 2015, extended data table 1"),
        "replay": (100_000, "0.7 GB of single pictures; " + why),
        "optimizer": ("adamw", "Adam without decay, as usual for Q-learning"),
        "lr": (1e-4, why),
        "weight_decay": (0.0, "values have the scale of the rewards"),
        "schedule": ("constant", "experience goes on changing"),
        "clip": (10.0, "usual for Q-learning"),
        "batch_size": (32, "Mnih et al. 2015, extended data table 1"),
        "target_every": (250, "1,000 steps of the environments; " + why),
        "explore_steps": (1_000_000, "Mnih et al. 2015, extended data table 1"),
        "explore_last": (0.01, why),
        "act_sampled": (True, "the best action can be one that does nothing, for ever"),
        "steps": (updates, f"about {PIXEL_STEPS:,} steps of the environments"),
        "evaluate_every": (f"{updates // 20} steps", "20 evaluations"),
    }


def _of_small_pictures() -> Settings:
    """What differs from `_of_pixels`."""
    why = "as for boards of 10x10 (Young and Tian 2019, MinAtar)"
    warmup, every = 5_000, 4
    updates = (SMALL_STEPS - warmup) // every
    return {
        "warmup_steps": (warmup, why),
        "replay": (100_000, why),
        "explore_steps": (100_000, why),
        "explore_last": (0.1, why),
        "act_sampled": (False, "no button starts the game"),
        "steps": (updates, f"about {SMALL_STEPS:,} steps of the environments; small pictures show less to learn"),
        "evaluate_every": (f"{updates // 20} steps", "20 evaluations"),
    }
