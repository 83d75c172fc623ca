"""Defaults for masked diffusion, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.language_model.recipe import settings as of_language_model
from sonde.tasks.settings import Settings


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a dataset of windows: those of a language model, so that one can stand beside the other."""
    why = "samples of averaged weights are better (Song and Ermon 2020, arXiv:2006.09011)"
    return {**of_language_model(dataset, model), "ema": (0.999, why)}
