"""Defaults for proximal policy optimisation, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.policy_recipe import PIXEL_STEPS, PRECISION, SMALL_STEPS, has_pixels, has_small_pictures, network
from sonde.tasks.settings import Settings, bf16_where_fast

ENVIRONMENT_STEPS = 500_000
ENVIRONMENTS, BATCH = 8, 256


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return network(dataset)


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for an environment."""
    if has_pixels(dataset):
        return {**_of_pixels(), **(_of_small_pictures() if has_small_pictures(dataset) else {})}
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


def _of_pixels() -> Settings:
    why = "usual for PPO on Atari (Huang et al. 2022; Schulman et al. 2017, table 5)"
    updates = PIXEL_STEPS // (ENVIRONMENTS * 128) * (4 * ENVIRONMENTS * 128 // BATCH)
    return {
        **bf16_where_fast(PRECISION),
        "optimizer": ("adamw", "Adam without decay, " + why),
        "lr": (2.5e-4, why),
        "eps": (1e-5, why),
        "weight_decay": (0.0, why),
        "schedule": ("linear", why),
        "clip": (0.5, why),
        "environments": (ENVIRONMENTS, why),
        "batch_size": (BATCH, "a quarter of a rollout of 8 environments and 128 steps"),
        "reuse": (4, why),
        "clip_range": (0.1, why),
        "entropy_weight": (0.01, why),
        "share_layers": (True, why),
        "scale_rewards": (False, "rewards are clipped, where they are of Atari"),
        "act_sampled": (True, "the likeliest action can be one that does nothing, for ever"),
        "steps": (updates, f"about {PIXEL_STEPS:,} steps of the environment, as published"),
        "evaluate_every": (f"{updates // 20} steps", "20 evaluations"),
    }


def _of_small_pictures() -> Settings:
    """What differs from `_of_pixels`.

    In a catch of 10x10 bytes, 30,000 steps, seed 1, a rate of 2.5e-4 returned 0.36 of 1, and 1e-3 0.96.
    """
    updates = SMALL_STEPS // (ENVIRONMENTS * 128) * (4 * ENVIRONMENTS * 128 // BATCH)
    return {
        "lr": (1e-3, "usual for small networks that act; small pictures are learned in fewer steps"),
        "steps": (updates, f"about {SMALL_STEPS:,} steps of the environment; small pictures show less to learn"),
        "evaluate_every": (f"{updates // 20} steps", "20 evaluations"),
    }
