"""Defaults for anomaly detection, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks import reconstructing_recipe
from sonde.tasks.settings import Settings


def settings(dataset: Dataset, model: str) -> Settings:
    """Those of autoencoders, with a batch that fits into the rows of one class: it is not known yet which are normal."""
    found = reconstructing_recipe.settings(dataset, model)
    target, rows = dataset.schema.target, len(dataset.splits["train"])
    if not target.has_classes:
        return found
    most = max(1, rows // (2 * len(target.names)))
    batch, why = found["batch_size"]
    return {
        **found,
        "batch_size": (min(batch, most), why if batch <= most else "half the rows that a class has on average"),
    }
