"""Defaults for pairs of texts, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.modalities.text import recipe as of_texts


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "text-transformer", "attends from each text to the other"


def settings(dataset: Dataset, model: str) -> of_texts.Settings:
    """Leaf settings for any network that reads tokens."""
    return of_texts.settings(dataset, model)
