"""Tuned defaults for inverse folding, each with its reason (`benchmarks/protein.py` measures them as they are)."""

from sonde.core.dataset import Dataset
from sonde.tasks.protein_recipe import protein_settings
from sonde.tasks.settings import Settings


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any such network."""
    return protein_settings(dataset, lr=(2e-3, "usual for adamw at this width"), batch_size=4)
