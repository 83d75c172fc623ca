"""Defaults for conservative Q-learning, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.cloning import recipe
from sonde.tasks.policy_recipe import has_pixels
from sonde.tasks.settings import Settings

UPDATES = 6_000
BATCH = 128  # of numbers: for each row twenty actions more are valued


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a log."""
    found = dict(recipe.settings(dataset, model))
    updates = max(UPDATES, int(found["steps"][0]))
    common: Settings = {
        **found,
        "optimizer": ("adamw", "Adam without decay, as usual for Q-learning"),
        "weight_decay": (0.0, "values are sums of rewards, which lie far from 0"),
        "clip": (10.0, "usual for Q-learning"),
        **({} if has_pixels(dataset) else {"activation": ("relu", "usual for Q-learning")}),
        "steps": (updates, f"at least {UPDATES:,}: values take longer to learn than actions"),
        "evaluate_every": (f"{updates // 10} steps", "10 evaluations"),
    }
    if dataset.schema.target is not None and dataset.schema.target.kind == "logged-control":
        return {
            **common,
            "lr": (3e-4, "as Haarnoja et al. 2018, arXiv:1812.05905, appendix D"),
            "batch_size": (min(BATCH, len(dataset.splits["train"])), "of each row twenty further actions are valued"),
            "conservative": (5.0, "as Kumar et al. 2020, arXiv:2006.04779, for actions that are numbers"),
        }
    return {**common, "lr": (5e-4, "values are learned from values, and slower than actions")}
