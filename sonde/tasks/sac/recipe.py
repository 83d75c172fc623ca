"""Defaults for soft actor-critic, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.policy_recipe import has_pixels, network
from sonde.tasks.settings import Settings

UPDATES = 10_000


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return network(dataset)


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for an environment."""
    why = "as Haarnoja et al. 2018, arXiv:1812.05905, appendix D"
    return {
        "optimizer": ("adamw", "Adam without decay, " + why),
        "lr": (1e-3, "the critics learn faster than at 3e-4 (Huang et al. 2022, CleanRL)"),
        "weight_decay": (0.0, "values have the scale of the rewards"),
        "schedule": ("constant", "experience goes on changing"),
        "batch_size": (256, why),
        **({} if has_pixels(dataset) else {"hidden": ((256, 256), why), "activation": ("relu", why)}),
        "steps": (UPDATES, "as many steps of the environment, with 1,000 before"),
        "evaluate_every": (f"{UPDATES // 20} steps", "20 evaluations"),
    }
