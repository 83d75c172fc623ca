"""Defaults for autoencoders of all kinds, each with its reason."""

from sonde.core.dataset import Dataset
from sonde.tasks.settings import Settings, bf16_where_fast, epochs_of_updates

UPDATES = 10_000
BATCH = 128


def model(dataset: Dataset) -> tuple[str, str]:
    """(model, why)."""
    if dataset.schema.input.has_planes:
        return "autoencoder-cnn", "convolutions for images"
    if dataset.schema.input.is_clip:
        return "autoencoder-cnn", "convolutions for spectrograms"
    return "autoencoder-mlp", "dense layers for rows of numbers"


def settings(dataset: Dataset, model: str) -> Settings:
    """Leaf settings for a dataset whose inputs are to be given back."""
    rows = len(dataset.splits["train"])
    batch = min(BATCH, rows)
    why = "usual for autoencoders: Adam without decay"
    return {
        "optimizer": ("adamw", why),
        "lr": (1e-3, why),
        "weight_decay": (0.0, why),
        "schedule": ("cosine", "the rate falls to 0"),
        "warmup": (0.02, "usual for Adam"),
        "clip": (0.0, "Adam does not look at the gradient's size, and sums over pixels are large"),
        "batch_size": (batch, why),
        "epochs": epochs_of_updates(UPDATES, rows=rows, batch=batch, fewest=10, most=300),
        "augment": ("none", "what is given back is to be the input"),
        **bf16_where_fast(),
    }
