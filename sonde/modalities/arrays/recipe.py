"""Defaults for flat arrays of numbers: those of tables, on the network of every introduction."""

from sonde.core.dataset import Dataset
from sonde.modalities.table.recipe import settings

__all__ = ["model", "settings"]


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    return "mlp", "flat arrays of numbers"
