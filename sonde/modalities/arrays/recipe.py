"""Defaults for flat arrays of numbers: those of tables, on the network of every introduction."""

from typing import Any

from sonde.core.dataset import Dataset
from sonde.modalities.table import recipe as tables


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "mlp", "flat arrays of numbers"


def settings(dataset: Dataset, model: str) -> dict[str, tuple[Any, str]]:
    """Leaf settings."""
    return tables.settings(dataset, model)
