"""Tuned defaults for structure prediction, each with its reason (`benchmarks/protein.py` measures them as they are)."""

from sonde.core.dataset import Dataset
from sonde.tasks.protein_recipe import protein_settings
from sonde.tasks.settings import Settings


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for any such network."""
    why = "150 updates at this rate beat the baseline by sequence separation on a held-out fifth of 40 domains"
    return protein_settings(dataset, lr=(5e-3, why), batch_size=2)
